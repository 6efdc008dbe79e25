// What concerns processes that are not, or not yet, children of ours.
#pragma once

/// From now on orphans below us become our children instead of those of init (prctl PR_SET_CHILD_SUBREAPER). -1 with errno.
int prefork_become_subreaper(void);
/// Sends a signal to exactly the process that the pidfd stands for. -1 with errno.
int prefork_pidfd_send_signal(int pidfd, int signal);
