#define _GNU_SOURCE
#include "sweep.h"
#include "CLinux.h"
#include "descriptors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// True if an entry of this environment, as in /proc/PID/environ, is just this one.
static int holds_entry(int environment, const char *entry) {
  char buffer[4096];
  ssize_t length;
  size_t matched = 0; // bytes of the entry that match; or -1 until the present one has ended
  const size_t none = (size_t)-1, whole = strlen(entry) + 1;
  while ((length = read(environment, buffer, sizeof buffer)) > 0) {
    for (ssize_t i = 0; i < length; i++) {
      if (matched != none && buffer[i] == entry[matched]) {
        if (++matched == whole) return 1;
      } else {
        matched = buffer[i] ? none : 0;
      }
    }
  }
  return 0;
}

struct sweep {
  int proc;
  const char *entry;
  int found;
};

static void kill_if_ours(void *context, const char *name) {
  struct sweep *sweep = context;
  int number = prefork_number_of_name(name);
  if (number < 0) return;
  // One descriptor for the look and for the signal: a number could have been given away between the two.
  int process = openat(sweep->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int environment = process < 0 ? -1 : openat(process, "environ", O_RDONLY | O_CLOEXEC);
  if (environment >= 0 && holds_entry(environment, sweep->entry)) {
    sweep->found++;
    prefork_signal_process(process, number, SIGKILL);
  }
  if (environment >= 0) close(environment);
  if (process >= 0) close(process);
}

/// The number that was given out last; 0 if it is unknown.
static long newest_process(int proc) {
  char text[128];
  int loadavg = openat(proc, "loadavg", O_RDONLY | O_CLOEXEC);
  ssize_t length = loadavg < 0 ? -1 : read(loadavg, text, sizeof text - 1);
  if (loadavg >= 0) close(loadavg);
  text[length > 0 ? length : 0] = 0;
  const char *last = strrchr(text, ' ');
  return last ? strtol(last, NULL, 10) : 0;
}

static void kill_number_if_ours(struct sweep *sweep, long number) {
  char name[24], *first = name + sizeof name - 1;
  *first = 0;
  for (; number > 0; number /= 10) *--first = (char)('0' + number % 10);
  kill_if_ours(sweep, first);
}

int prefork_sweep(int proc, const char *entry, int *sure) {
  struct sweep sweep = {.proc = proc, .entry = entry};
  const long before = newest_process(proc);
  prefork_each_entry(proc, kill_if_ours, &sweep);
  // A process that forks and exits without pause may have moved to a number that the round has passed. We are faster.
  long newest = newest_process(proc);
  *sure = before > 0 && newest == before;
  for (long number = before + 1; number <= newest && number < before + 10000; number++) {
    kill_number_if_ours(&sweep, number);
    if (number == newest) newest = newest_process(proc);
  }
  return sweep.found;
}
