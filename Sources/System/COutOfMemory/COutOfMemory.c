// What happens when memory is used up. Swift's runtime would end the process with SIGABRT and a stack trace, which does
// not help a user. So the allocation functions print one line instead and exit with EX_OSERR of sysexits.h; workers are
// killed as after any other end of prefork.
//
// A program may define these functions in place of glibc's (malloc(3), "replacing malloc"); they still call glibc's.
// This is a target of its own, linked only into the program `prefork`, because it replaces malloc for a whole
// process: a program that embeds WorkerPool or ObjectPool must not get that with the library.
#include "COutOfMemory.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static const int os_error = 71;

// Nothing that allocates, so no stdio: digits from the last to the first.
static void give_up(size_t size) {
  char line[200] = "prefork: out of memory: ";
  char digits[24];
  size_t first = sizeof digits;
  do {
    digits[--first] = (char)('0' + size % 10);
    size /= 10;
  } while (size > 0);
  strncat(line, digits + first, sizeof digits - first);
  strcat(line, " bytes more were refused; --max-job-size, --max-reply-size and --order-window bound what is needed\n");
  if (write(STDERR_FILENO, line, strlen(line)) < 0) _exit(os_error);
  _exit(os_error);
}

void *malloc(size_t size) {
  void *block = __libc_malloc(size);
  if (__builtin_expect(!block, 0)) give_up(size);
  return block;
}

void *calloc(size_t count, size_t size) {
  void *block = __libc_calloc(count, size);
  if (__builtin_expect(!block, 0)) give_up(count > 0 && size > SIZE_MAX / count ? SIZE_MAX : count * size);
  return block;
}

void *realloc(void *block, size_t size) {
  void *moved = __libc_realloc(block, size);
  // A reallocation to 0 bytes frees it, and may return NULL.
  if (__builtin_expect(!moved && size > 0, 0)) give_up(size);
  return moved;
}

void *aligned_alloc(size_t alignment, size_t size) {
  void *block = __libc_memalign(alignment, size);
  if (__builtin_expect(!block, 0)) give_up(size);
  return block;
}

// Swift's buffers come from here.
int posix_memalign(void **block, size_t alignment, size_t size) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
  *block = aligned_alloc(alignment, size);
  return 0;
}

#endif
