// What Swift's view of glibc lacks or cannot call: extensions behind _GNU_SOURCE, variadic functions, and macros.
#pragma once
#include "CLinuxGuard.h"
#include "CLinuxSockets.h"
#include "CLinuxSpawn.h"
#include "CLinuxTerminal.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "process_tree.h"

/// Close-on-exec; the end with this index does not block, -1 for none. -1 with errno.
int prefork_make_pipe(int ends[2], int nonblocking_end);

int prefork_epoll_create(void);
/// op: 0 add, 1 modify, 2 remove. events: 1 readable, 2 writable.
int prefork_epoll_control(int epoll, int op, int fd, unsigned events, uint64_t token);

struct prefork_ready {
  uint64_t token;
  uint32_t events; // 1 readable, 2 writable, 4 hang-up or error
};
/// Fills at most `most` entries; returns their number or -1 with errno.
int prefork_epoll_wait(int epoll, struct prefork_ready *ready, int most, int timeout_ms);

/// A timer of CLOCK_MONOTONIC; close-on-exec, non-blocking; -1 with errno.
int prefork_timer_create(void);
/// Readable from `deadline` (nanoseconds of that clock) on, and not before; UINT64_MAX: never. -1 with errno.
int prefork_timer_set(int fd, uint64_t deadline);

/// A signalfd of no signals; close-on-exec, non-blocking; -1 with errno.
int prefork_signals_create(void);
/// Gives it these signals instead. -1 with errno.
int prefork_signals_watch(int fd, const sigset_t *signals);
/// The next pending one, its si_code and its sender: 1; 0 if none is pending; -1 with errno.
int prefork_signals_next(int fd, int *signal, int *code, int *pid);

int prefork_pidfd_open(pid_t pid);
/// Looks at a child without reaping it (peek != 0) or reaps it. 1 dead, 0 alive, -1 error.
/// *code: CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3; *status: exit status or signal.
int prefork_wait_child(pid_t pid, int peek, int block, int *code, int *status);

/// A datagram socket with an abstract address of the kernel's choice, whose name without the leading NUL goes to
/// `name`; -1 with errno.
int prefork_notify_socket(char *name, size_t size);
/// One datagram and its sender; descriptors sent along are closed. -1 with errno.
ssize_t prefork_notify_receive(int fd, void *buffer, size_t size, int *pid, unsigned *uid);

int prefork_bytes_readable(int fd); // FIONREAD; -1 on error
void prefork_enlarge_pipe(int fd, int size);
int prefork_open(const char *path, int flags);
int prefork_set_nonblocking(int fd);
int prefork_descriptor_is_open(int fd);
/// 'p' pipe, 't' terminal, 'f' regular file, 'd' directory, 's' socket, 'c' other character device, '?' anything else;
/// 0 with errno.
int prefork_descriptor_kind(int fd);

/// The CPUs that sched_getaffinity(2) names, however many the machine has; -1 with errno.
int prefork_affinity_count(void);

void prefork_return_large_blocks(int size); // M_MMAP_THRESHOLD
/// Unmaps all pages of programs and libraries that are as they are in their files and cannot be written.
void prefork_unmap_code(void);

const char *prefork_signal_name(int signal); // "SEGV", or NULL
const char *prefork_errno_name(int code);    // "ENOENT", or NULL
