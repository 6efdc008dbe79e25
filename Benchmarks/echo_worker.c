// The cheapest worker there can be: it answers each line with itself. A benchmark that uses it measures the pool.
//
//     cc -O2 -o .build/bench/echo_worker Benchmarks/echo_worker.c
//
// read() blocks; every complete line is answered with one write() of its own, as a worker that flushes each reply
// does. Answering a block of lines with one write would hide what a reply costs the pool.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, count);
    if (written <= 0) _exit(1);
    bytes += written;
    count -= (size_t)written;
  }
}

int main(void) {
  size_t capacity = 65536, filled = 0;
  char *buffer = malloc(capacity);
  for (;;) {
    if (filled == capacity) buffer = realloc(buffer, capacity *= 2);
    if (buffer == NULL) return 1;
    ssize_t got = read(STDIN_FILENO, buffer + filled, capacity - filled);
    if (got <= 0) return got == 0 ? 0 : 1;

    // What was there before holds no newline: only the new bytes are searched.
    char *line = buffer, *search = buffer + filled, *end = search + got, *newline;
    while ((newline = memchr(search, '\n', (size_t)(end - search))) != NULL) {
      write_all(line, (size_t)(newline + 1 - line));
      line = search = newline + 1;
    }
    filled = (size_t)(end - line);
    memmove(buffer, line, filled);
  }
}
