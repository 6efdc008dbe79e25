// For the guard: nothing but system calls, no memory, no lock.
#pragma once

/// One round over all processes: kills each whose environment, as it was when it was executed, has just this entry.
/// `proc` is a descriptor of /proc. Returns how many there were; *sure is 0 if one may have been missed because
/// processes were made meanwhile.
int prefork_sweep(int proc, const char *entry, int *sure);
