#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

void prefork_return_large_blocks(int size) { mallopt(M_MMAP_THRESHOLD, size); }

int prefork_make_pipe(int ends[2], int nonblocking_end) {
  if (pipe2(ends, O_CLOEXEC)) return -1;
  // A new pipe has no flag that this could clear, and so it cannot fail.
  if (nonblocking_end >= 0) fcntl(ends[nonblocking_end], F_SETFL, O_NONBLOCK);
  return 0;
}

int prefork_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int prefork_epoll_control(int epoll, int op, int fd, unsigned events, uint64_t token) {
  static const int ops[] = {EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
  struct epoll_event event = {.data.u64 = token};
  event.events = (events & 1 ? EPOLLIN : 0) | (events & 2 ? EPOLLOUT : 0) | (events & 4 ? EPOLLET : 0);
  return epoll_ctl(epoll, ops[op], fd, &event);
}

int prefork_epoll_wait(int epoll, struct prefork_ready *ready, int most, int timeout_ms) {
  struct epoll_event events[256];
  int count = epoll_wait(epoll, events, most < 256 ? most : 256, timeout_ms);
  for (int i = 0; i < count; i++) {
    uint32_t e = events[i].events;
    ready[i].token = events[i].data.u64;
    ready[i].events = (e & EPOLLIN ? 1 : 0) | (e & EPOLLOUT ? 2 : 0) | (e & (EPOLLHUP | EPOLLERR) ? 4 : 0);
  }
  return count;
}

int prefork_timer_create(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

int prefork_timer_set(int fd, uint64_t deadline) {
  if (deadline == 0) deadline = 1; // Zero would disarm it.
  struct itimerspec when = {0};
  if (deadline != UINT64_MAX) {
    when.it_value.tv_sec = (time_t)(deadline / 1000000000);
    when.it_value.tv_nsec = (long)(deadline % 1000000000);
  }
  return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

int prefork_signals_create(void) {
  sigset_t none;
  sigemptyset(&none);
  return signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
}

int prefork_signals_watch(int fd, const sigset_t *signals) { return signalfd(fd, signals, 0); }

int prefork_signals_next(int fd, int *signal, int *code, int *pid) {
  struct signalfd_siginfo info;
  ssize_t count;
  do {
    count = read(fd, &info, sizeof info);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return errno == EAGAIN ? 0 : -1;
  *signal = (int)info.ssi_signo;
  *code = info.ssi_code;
  *pid = (int)info.ssi_pid;
  return 1;
}

int prefork_pidfd_open(pid_t pid) {
  // Close-on-exec by definition (pidfd_open(2)).
  return (int)syscall(SYS_pidfd_open, pid, 0);
}

int prefork_wait_child(pid_t pid, int peek, int block, int *code, int *status) {
  siginfo_t info = {0};
  int options = WEXITED | (peek ? WNOWAIT : 0) | (block ? 0 : WNOHANG);
  int result;
  do {
    result = waitid(P_PID, (id_t)pid, &info, options);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return -1;
  if (info.si_pid == 0) return 0;
  *code = info.si_code;
  *status = info.si_status;
  return 1;
}

int prefork_bytes_readable(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 ? -1 : count;
}

void prefork_enlarge_pipe(int fd, int size) { fcntl(fd, F_SETPIPE_SZ, size); }

int prefork_open(const char *path, int flags) { return open(path, flags | O_CLOEXEC | O_NOCTTY, 0666); }

int prefork_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int prefork_descriptor_is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int prefork_descriptor_kind(int fd) {
  struct stat st;
  if (fstat(fd, &st) < 0) return 0;
  switch (st.st_mode & S_IFMT) {
  case S_IFIFO: return 'p';
  case S_IFREG: return 'f';
  case S_IFDIR: return 'd';
  case S_IFSOCK: return 's';
  case S_IFCHR: return isatty(fd) ? 't' : 'c';
  default: return '?';
  }
}

const char *prefork_signal_name(int signal) { return sigabbrev_np(signal); }

const char *prefork_errno_name(int code) { return strerrorname_np(code); }
