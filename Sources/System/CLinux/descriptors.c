#define _GNU_SOURCE
#include "descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

int prefork_lift_descriptor(int fd) { return fd > 2 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3); }

int prefork_each_entry(int folder, void (*visit)(void *context, const char *name), void *context) {
  // opendir(3) would allocate, and the lock of malloc may be held by a thread that does not exist in a child of fork.
  char buffer[4096] __attribute__((aligned(_Alignof(struct dirent64))));
  ssize_t length;
  if (lseek(folder, 0, SEEK_SET) < 0) return -1;
  while ((length = getdents64(folder, buffer, sizeof buffer)) > 0) {
    for (ssize_t offset = 0; offset < length;) {
      const struct dirent64 *entry = (const struct dirent64 *)(buffer + offset);
      offset += entry->d_reclen;
      visit(context, entry->d_name);
    }
  }
  return length < 0 ? -1 : 0;
}

int prefork_number_of_name(const char *name) {
  int value = 0;
  if (!*name) return -1;
  for (; *name; name++) {
    if (*name < '0' || *name > '9' || value > (INT_MAX - 9) / 10) return -1;
    value = value * 10 + (*name - '0');
  }
  return value;
}

static void close_entry(void *context, const char *name) {
  const int *folder = context;
  int fd = prefork_number_of_name(name);
  if (fd >= 3 && fd != *folder) close(fd);
}

int prefork_close_from_3(void) {
  if (close_range(3, ~0U, 0) == 0) return 0;
  // Before Linux 5.9, or forbidden by the filter of a container that is older than the call.
  int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return -1;
  int result = prefork_each_entry(folder, close_entry, &folder);
  close(folder);
  return result;
}
