// What it costs a large process to start workers. It touches GIB GiB of memory, starts /bin/true COUNT times by
// posix_spawn, by way of the launcher and by fork, and prints for each how long it was held up per start, in
// microseconds: the median and the largest.
//
//     cc -O2 -ISources/System/CLinux/include -o .build/bench/large_parent Benchmarks/large_parent.c Sources/System/CLinux/spawn.c \
//        Sources/System/CLinux/launcher.c
//     .build/bench/large_parent GIB COUNT
#define _GNU_SOURCE
#include "CLinuxSpawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char *const command[] = {"/bin/true", NULL};
static int null;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static pid_t start(const struct prefork_spawn_request *request) {
  pid_t pid;
  struct prefork_spawn_failure failure;
  if (request) {
    if (prefork_spawn(request, &pid, &failure) < 0) die("prefork_spawn");
    return pid;
  }
  pid = fork();
  if (pid == 0) {
    execve(command[0], command, environ);
    _exit(127);
  }
  return pid;
}

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
  double first = *(const double *)a, second = *(const double *)b;
  return (first > second) - (first < second);
}

static void measure(const char *name, const struct prefork_spawn_request *request, int count) {
  double *held = calloc((size_t)count, sizeof *held);
  for (int i = 0; i < count; i++) {
    double before = microseconds();
    pid_t pid = start(request);
    held[i] = microseconds() - before;
    if (waitpid(pid, NULL, 0) < 0) die("waitpid");
  }
  qsort(held, (size_t)count, sizeof *held, compare);
  printf("  %-12s %8.0f %8.0f\n", name, held[count / 2], held[count - 1]);
  free(held);
}

int main(int argc, char **argv) {
  double gib = argc > 2 ? atof(argv[1]) : -1;
  int count = argc > 2 ? atoi(argv[2]) : 0;
  if (gib < 0 || count < 1) {
    fprintf(stderr, "usage: large_parent GIB COUNT\n");
    return 64;
  }
  size_t size = (size_t)(gib * (1 << 30));
  char *memory = mmap(NULL, size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  madvise(memory, size + 1, MADV_NOHUGEPAGE);  // the worst case: half a million pages
  memset(memory, 1, size + 1);
  if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) die("/dev/null");
  struct prefork_spawn_request plain = {
      .program = command[0], .argv = command, .envp = environ, .in = null, .out = null, .err = null,
      .cgroup_procs = -1};
  struct prefork_spawn_request launched = plain;
  launched.dies_with_thread = 1;
  printf("a parent of %.2g GiB: us per start, median and largest\n", gib);
  measure("posix_spawn", &plain, count);
  measure("launcher", &launched, count);
  measure("fork", NULL, count < 50 ? count : 50);
  return 0;
}
