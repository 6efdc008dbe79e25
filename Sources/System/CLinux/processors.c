#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <sched.h>

int prefork_affinity_count(void) {
  // The kernel refuses a set that is smaller than its own mask with EINVAL: the size is doubled until it fits.
  for (int most = 1024; most <= 1 << 20; most *= 2) {
    cpu_set_t *set = CPU_ALLOC(most);
    if (!set) return -1;
    size_t size = CPU_ALLOC_SIZE(most);
    CPU_ZERO_S(size, set);
    int result = sched_getaffinity(0, size, set);
    int error = errno;
    int count = result == 0 ? CPU_COUNT_S(size, set) : -1;
    CPU_FREE(set);
    errno = error;
    if (result == 0 || error != EINVAL) return count;
  }
  return -1;
}
