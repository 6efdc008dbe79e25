// What concerns processes that are not, or not yet, children of ours.
#pragma once
#include <sys/types.h>

/// From now on orphans below us become our children instead of those of init (prctl PR_SET_CHILD_SUBREAPER). -1 with
/// errno.
int prefork_become_subreaper(void);
/// Sends a signal to the process that `process` stands for: a pidfd or its folder in /proc. -1 with errno. Where that
/// is denied it is sent to `pid`: the caller must know that the process still has this number.
int prefork_signal_process(int process, pid_t pid, int signal);
