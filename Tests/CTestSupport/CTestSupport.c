#include "CTestSupport.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int forbid_system_call(int number, int code) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

int number_of_close_range(void) { return SYS_close_range; }

int number_of_getsockopt(void) { return SYS_getsockopt; }

int start_lock_holder(const char *path, int ready) {
  int pid = fork();
  if (pid != 0) return pid;
  setpgid(0, 0);
  int file = open(path, O_RDWR | O_CREAT, 0600);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (file < 0 || fcntl(file, F_SETLK, &lock) || (pid = fork()) < 0) _exit(1);
  if (pid > 0 && write(ready, "l", 1) != 1) _exit(1);
  for (;;) pause();
}
