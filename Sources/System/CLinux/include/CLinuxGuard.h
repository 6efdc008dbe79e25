// The guard: a process that outlives a SIGKILL of ours just long enough to take our workers with it.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// Shared with the guard: the numbers of the process groups that must not outlive us; 0 where there is none.
enum { prefork_guard_capacity = 16384 };

/// A table of that capacity, in pages that cost nothing until they are used; NULL with errno.
int32_t *prefork_guard_make_table(void);
void prefork_guard_free_table(int32_t *table);
/// Enters a process group; its place, or -1 when the table is full. Any thread may call it.
int prefork_guard_enter(int32_t *table, pid_t leader);
void prefork_guard_strike_out(int32_t *table, int place);

/// Starts the guard; it is on its watch when this returns. When this process is gone it kills all groups in the table,
/// all in the cgroup directory (an absolute path, or NULL), which it removes, and every process that has `entry` in the
/// environment it was started with. Returns a pidfd of the guard and its pid, or -1 with errno.
int prefork_guard_start(const int32_t *table, const char *entry, const char *cgroup, pid_t *pid);
/// Kills the guard and waits for its end.
void prefork_guard_stop(int pidfd, pid_t pid);
