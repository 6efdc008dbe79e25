// For children between fork and exec: nothing but system calls, no memory, no lock.
#pragma once

/// A descriptor from 3 on for the same: itself, or a duplicate that exec closes; -1 with errno.
int prefork_lift_descriptor(int fd);

/// Closes all descriptors from 3 on. -1 with errno.
int prefork_close_from_3(void);

/// Calls `visit` for each entry of an open directory. -1 with errno if it cannot be read.
int prefork_each_entry(int folder, void (*visit)(void *context, const char *name), void *context);

/// The value of a name that consists of digits only, like those in /proc; -1 for any other.
int prefork_number_of_name(const char *name);
