#define _GNU_SOURCE
#include "process_tree.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int prefork_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int prefork_signal_process(int process, pid_t pid, int signal) {
  long result = syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
  if (result == 0 || (errno != ENOSYS && errno != EPERM)) return (int)result;
  // Before Linux 5.1, or forbidden by the filter of a container. (Where we have no right to it, kill has none either.)
  return kill(pid, signal);
}
