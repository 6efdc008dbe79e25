// A terminal that is given back as it was, even by a process that crashes; and reading one that others have.
#pragma once
#include <stddef.h>
#include <sys/types.h>

/// Remembers how the terminal is set, and sets it for single keys: no echo, no lines, no flow control; signals still
/// come from keys, and read(2) never waits. From now on a crash of ours writes `leave` (which must stay where it is) to
/// `screen` and sets the terminal back. One terminal at a time; -1 with errno.
int prefork_terminal_take(int keys, int screen, const char *leave);
/// Sets it back as it was; a crash is no longer cared for.
void prefork_terminal_give_back(void);

/// One read(2) while SIGTTIN is blocked. In the background the kernel stops the other processes of our group, as it
/// does for any reader, but not this one: -1 with EINTR. (EIO: nobody could continue the group.) EAGAIN, too, while a
/// SIGTTIN is pending.
ssize_t prefork_terminal_read(int fd, void *buffer, size_t size);
