// What only tests need, and Swift cannot call.
#pragma once

/// From now on this system call fails with that errno in this process and its children, as in a container whose filter
/// does not know it. -1 with errno if that cannot be arranged.
int forbid_system_call(int number, int code);

/// The number of close_range(2), which Swift cannot see.
int number_of_close_range(void);

/// The number of getsockopt(2).
int number_of_getsockopt(void);

/// Starts a process that locks the file (fcntl(2)), and a child of it that has the file open, too; both wait for
/// ever. It leads a process group, and writes a byte to `ready` when it has the lock. Its number, or -1 with errno.
int start_lock_holder(const char *path, int ready);
