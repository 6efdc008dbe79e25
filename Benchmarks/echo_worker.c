// The cheapest worker there can be: it answers each line with itself. A benchmark that uses it measures the pool.
//
//     cc -O2 -o .build/bench/echo_worker Benchmarks/echo_worker.c
//     echo_worker [start=TIME] [job=TIME] [ready] [rpc] [lives=FILE]
//
// read() blocks; every complete line is answered with one write() of its own, as a worker that flushes each reply
// does. Answering a block of lines with one write would hide what a reply costs the pool.
//
// To look expensive, it can take its time, at the start and for each job:
//     start=300ms-sleep   waits so long before it reads (units: us, ms, s)
//     job=5ms-busy        computes for each job until it has used so much CPU time; CPU time and not time by the
//                         clock, so that a job takes longer where processes are more than CPUs, as real work does
//     ready               writes the line `ready` when it has started
//     rpc                 speaks JSON-RPC: the result is the text of the parameter "job", as it stands
//     lives=FILE          at the end of stdin, appends a line to FILE: how many jobs it has done
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct { unsigned long long nanoseconds; int is_busy; } Work;

static void fail_usage(const char *argument) {
  fprintf(stderr, "echo_worker: what is %s? usage: echo_worker [start=TIME] [job=TIME] [ready] [rpc] [lives=FILE], "
                  "TIME such as 300ms-sleep or 5ms-busy\n", argument);
  exit(64);
}

static Work parse_work(const char *argument, const char *text) {
  static const struct { const char *suffix; unsigned long long nanoseconds; int is_busy; } kinds[] = {
    {"us-sleep", 1000, 0}, {"ms-sleep", 1000000, 0}, {"s-sleep", 1000000000, 0},
    {"us-busy", 1000, 1},  {"ms-busy", 1000000, 1},  {"s-busy", 1000000000, 1},
  };
  size_t digits = strspn(text, "0123456789");
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
    if (digits == 0 || digits > 6 || strcmp(text + digits, kinds[kind].suffix) != 0) continue;
    return (Work){strtoull(text, NULL, 10) * kinds[kind].nanoseconds, kinds[kind].is_busy};
  }
  fail_usage(argument);
  return (Work){0};
}

static unsigned long long cpu_time(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec;
}

static void do_work(Work work) {
  if (work.nanoseconds == 0) return;
  if (!work.is_busy) {
    struct timespec wait = {(time_t)(work.nanoseconds / 1000000000), (long)(work.nanoseconds % 1000000000)};
    while (nanosleep(&wait, &wait) != 0) continue;
    return;
  }
  // Asking for the CPU time is a system call: most of the time shall be spent computing, as in real work.
  static volatile unsigned state;
  for (unsigned long long end = cpu_time() + work.nanoseconds; cpu_time() < end;) {
    for (int step = 0; step < 5000; step++) state = state * 1664525 + 1013904223;
  }
}

static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, count);
    if (written <= 0) _exit(1);
    bytes += written;
    count -= (size_t)written;
  }
}

// The value behind a name, from `"` to `"` or to what ends a number. The requests are those of prefork.
static const char *find_value(const char *line, const char *name, size_t *count) {
  const char *value = strstr(line, name);
  if (value == NULL) exit(65);
  value += strlen(name) + strspn(value + strlen(name), " ");
  const char *end = value;
  if (*value == '"') {
    do end += *end == '\\' ? 2 : 1; while (*end != '"');
    end++;
  } else {
    end += strcspn(value, ",}");
  }
  *count = (size_t)(end - value);
  return value;
}

// A response with the id of the request and its job. The line ends with a newline, for which a NUL is put.
static void respond(char *line, char *newline) {
  static const char first[] = "{\"jsonrpc\":\"2.0\",\"id\":", second[] = ",\"result\":", last[] = "}\n";
  char response[4096];
  *newline = 0;
  if (strstr(line, "\"id\":") == NULL) return;  // A notification.
  size_t id_count, job_count, count = 0;
  const char *id = find_value(line, "\"id\":", &id_count), *job = find_value(line, "\"job\":", &job_count);
  if (id_count + job_count + sizeof first + sizeof second + sizeof last > sizeof response) exit(65);
  const struct { const char *bytes; size_t count; } parts[] = {
    {first, sizeof first - 1}, {id, id_count}, {second, sizeof second - 1}, {job, job_count}, {last, sizeof last - 1},
  };
  for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
    memcpy(response + count, parts[part].bytes, parts[part].count);
    count += parts[part].count;
  }
  write_all(response, count);
}

// One short write with O_APPEND: the lines of workers that end together do not mix.
static int tell_life(const char *file, unsigned long jobs) {
  if (file == NULL) return 0;
  int descriptor = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  return descriptor >= 0 && dprintf(descriptor, "%lu\n", jobs) > 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  Work start = {0}, job = {0};
  const char *lives = NULL;
  int says_ready = 0, speaks_rpc = 0;
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "start=", 6) == 0) start = parse_work(argv[i], argv[i] + 6);
    else if (strncmp(argv[i], "job=", 4) == 0) job = parse_work(argv[i], argv[i] + 4);
    else if (strncmp(argv[i], "lives=", 6) == 0) lives = argv[i] + 6;
    else if (strcmp(argv[i], "ready") == 0) says_ready = 1;
    else if (strcmp(argv[i], "rpc") == 0) speaks_rpc = 1;
    else fail_usage(argv[i]);
  }
  do_work(start);
  if (says_ready) write_all("ready\n", 6);

  size_t capacity = 65536, filled = 0;
  unsigned long jobs = 0;
  char *buffer = malloc(capacity);
  for (;;) {
    if (filled == capacity) buffer = realloc(buffer, capacity *= 2);
    if (buffer == NULL) return 1;
    ssize_t got = read(STDIN_FILENO, buffer + filled, capacity - filled);
    if (got <= 0) return got == 0 ? tell_life(lives, jobs) : 1;

    // What was there before holds no newline: only the new bytes are searched.
    char *line = buffer, *search = buffer + filled, *end = search + got, *newline;
    while ((newline = memchr(search, '\n', (size_t)(end - search))) != NULL) {
      do_work(job);
      if (speaks_rpc) respond(line, newline); else write_all(line, (size_t)(newline + 1 - line));
      jobs++;
      line = search = newline + 1;
    }
    filled = (size_t)(end - line);
    memmove(buffer, line, filled);
  }
}
