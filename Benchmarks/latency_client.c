// A client in C that measures how long a program takes to answer, so that what is measured is not Python.
//
//     cc -O2 -o .build/bench/latency_client Benchmarks/latency_client.c
//     .build/bench/latency_client answers JOBS PROGRAM [ARGUMENT...]
//     .build/bench/latency_client exits TIMES PROGRAM [ARGUMENT...]
//
// `answers` starts PROGRAM with pipes as stdin and stdout, writes a line of 64 bytes, waits for the same line as its
// answer, and then writes the next: one is outstanding at any time. The first 500 do not count, but for the very
// first: how long it took from before the start of the program.
// `exits` starts PROGRAM and waits until it has exited, again and again. `cpu` is the median of its CPU time.
//
// Prints a line of JSON, times in microseconds: {"first": 4310.2, "p50": 7.10, "p99": 12.42, "cpu": 0.00}.
// Exit status: 0; 1 when an answer was wrong or missing, or the program failed; 64 for bad arguments.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include "buffer.h"
#include "worker_pipes.h"

enum { JOB = 64, UNCOUNTED = 500 };

extern char **environ;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

static double percentile(double *times, size_t count, size_t percent) {
  qsort(times, count, sizeof *times, by_size);
  return times[count * percent / 100];
}

static void print_times(double first, double *times, size_t count, double cpu) {
  double p50 = percentile(times, count, 50), p99 = percentile(times, count, 99);
  printf("{\"first\": %.1f, \"p50\": %.2f, \"p99\": %.2f, \"cpu\": %.2f}\n", first, p50, p99, cpu);
}

static pid_t start(char **command, posix_spawn_file_actions_t *actions) {
  pid_t pid;
  if ((errno = posix_spawnp(&pid, command[0], actions, NULL, command, environ)) != 0) die(command[0]);
  return pid;
}

static double microseconds(struct timeval time) { return (double)time.tv_sec * 1e6 + (double)time.tv_usec; }

// Returns its CPU time.
static double wait_for(pid_t pid) {
  int status;
  struct rusage usage;
  if (wait4(pid, &status, 0, &usage) < 0) die("wait4");
  errno = 0;
  if (status != 0) die("the program failed");
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

// Returns the microseconds until the answer was there.
static double round_trip(int to, int from, unsigned long number) {
  char job[JOB + 1], answer[JOB];
  size_t got = 0;
  sprintf(job, "%063lu\n", number);
  double before = now();
  write_all(to, job, JOB);
  while (got < JOB) {
    ssize_t more = read(from, answer + got, JOB - got);
    if (more < 0) die("read");
    errno = 0;
    if (more == 0) die("no answer");
    got += (size_t)more;
  }
  double took = now() - before;
  errno = 0;
  if (memcmp(job, answer, JOB) != 0) die("a wrong answer");
  return took;
}

static void measure_answers(size_t count, char **command) {
  int to[2], from[2];
  posix_spawn_file_actions_t actions;
  make_worker_pipes(to, from, &actions);
  double *times = calloc(count, sizeof *times), before = now();
  pid_t pid = start(command, &actions);
  close(to[0]);
  close(from[1]);
  round_trip(to[1], from[0], 0);
  double first = now() - before;
  for (unsigned long number = 1; number < UNCOUNTED; number++) round_trip(to[1], from[0], number);
  for (size_t i = 0; i < count; i++) times[i] = round_trip(to[1], from[0], UNCOUNTED + i);
  close(to[1]);
  wait_for(pid);
  print_times(first, times, count, 0);
}

static void measure_exits(size_t count, char **command) {
  double *times = calloc(count, sizeof *times), *cpu = calloc(count, sizeof *cpu), first = 0;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, nothing, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, nothing, STDOUT_FILENO);
  for (size_t i = 0; i < count; i++) {
    double before = now();
    cpu[i] = wait_for(start(command, &actions));
    times[i] = now() - before;
    if (i == 0) first = times[0];
  }
  print_times(first, times, count, percentile(cpu, count, 50));
}

int main(int argc, char **argv) {
  size_t count = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
  signal(SIGPIPE, SIG_IGN);
  if (count > 0 && strcmp(argv[1], "answers") == 0) measure_answers(count, argv + 3);
  else if (count > 0 && strcmp(argv[1], "exits") == 0) measure_exits(count, argv + 3);
  else {
    fprintf(stderr, "usage: latency_client answers|exits COUNT PROGRAM [ARGUMENT...]\n");
    return 64;
  }
  return 0;
}
