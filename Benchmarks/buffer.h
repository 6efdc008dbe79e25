// What the floors have in common: buffers that grow, reading and writing in blocks, and giving up.
#ifndef BUFFER_H
#define BUFFER_H
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 65536 };

typedef struct { char *bytes; size_t start, end, capacity; } Buffer;  // the content is bytes[start..<end]

static inline void die(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, errno ? strerror(errno) : "unexpected end");
  exit(1);
}

// Makes room for `count` more bytes behind the content.
static inline void reserve(Buffer *buffer, size_t count) {
  if (buffer->start == buffer->end) buffer->start = buffer->end = 0;
  if (buffer->capacity - buffer->end >= count) return;
  size_t size = buffer->end - buffer->start;
  if (buffer->start > 0) memmove(buffer->bytes, buffer->bytes + buffer->start, size);
  buffer->start = 0;
  buffer->end = size;
  if (buffer->capacity - size >= count) return;
  buffer->capacity = 2 * buffer->capacity > size + count ? 2 * buffer->capacity : size + count;
  if ((buffer->bytes = realloc(buffer->bytes, buffer->capacity)) == NULL) die("realloc");
}

static inline void append(Buffer *buffer, const void *bytes, size_t count) {
  reserve(buffer, count);
  memcpy(buffer->bytes + buffer->end, bytes, count);
  buffer->end += count;
}

static inline void write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0) die("write");
    bytes += written;
    count -= (size_t)written;
  }
}

// Reads at most one block. Returns the number of bytes, 0 at the end.
static inline size_t read_block(int descriptor, Buffer *buffer) {
  reserve(buffer, BLOCK);
  ssize_t got = read(descriptor, buffer->bytes + buffer->end, BLOCK);
  if (got < 0) die("read");
  buffer->end += (size_t)got;
  return (size_t)got;
}
#endif
