#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

// An entry of /proc/PID/pagemap: the page is there, and it is the file's own and no copy of it.
static const uint64_t present = 1ULL << 63, of_file = 1ULL << 61;

static int can_be_read_again(uint64_t entry) { return (entry & present) && (entry & of_file); }

static void unmap(int pagemap, uintptr_t begin, uintptr_t end, uintptr_t page) {
  uint64_t entries[512];
  while (begin < end) {
    size_t wanted = (end - begin) / page < 512 ? (end - begin) / page : 512;
    ssize_t got = pread(pagemap, entries, wanted * sizeof *entries, (off_t)(begin / page * sizeof *entries));
    if (got < (ssize_t)sizeof *entries) return;
    size_t count = (size_t)got / sizeof *entries;
    for (size_t i = 0; i < count; i++) {
      size_t first = i;
      while (i < count && can_be_read_again(entries[i])) i++;
      if (i > first) madvise((void *)(begin + first * page), (i - first) * page, MADV_DONTNEED);
    }
    begin += count * page;
  }
}

static int unmap_object(struct dl_phdr_info *object, size_t size, void *pagemap) {
  (void)size;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W)) continue;
    uintptr_t begin = object->dlpi_addr + segment->p_vaddr, end = begin + segment->p_filesz;
    unmap(*(int *)pagemap, begin / page * page, end / page * page, page);
  }
  return 0;
}

void prefork_unmap_code(void) {
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (pagemap < 0) return;
  dl_iterate_phdr(unmap_object, &pagemap);
  close(pagemap);
}
