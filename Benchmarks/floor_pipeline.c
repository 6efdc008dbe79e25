// The floor: what `prefork run` does with workers that live on, as little as possible, as fast as a C programmer would
// write it by hand.
//
//     cc -O2 -o .build/bench/floor_pipeline Benchmarks/floor_pipeline.c
//     .build/bench/floor_pipeline [--depth K] [--joblog FILE] WORKERS PROGRAM [ARGUMENT...]
//
// Jobs are the lines of stdin; replies go to stdout in the order of the jobs. Each worker has up to K jobs in flight:
// the one that it works on and those that wait behind it in its pipe (K = 1, the default: strictly one at a time).
//
// One thread, one epoll. Nothing is allocated per job once the buffers have grown.
//   * Consecutive lines of the input are a range: a worker gets one range by one write, straight from the input buffer,
//     and gets the next when half of its K jobs are answered. Idle workers come first, the warmest before the others.
//     The input that is there is shared out evenly, so that at its end no worker has many jobs while others have none.
//   * All replies that a worker has written are read by one read. If it is their turn they go to the output at once.
//   * stdout is written when 64 KiB are there, when nothing is in flight, or 1 ms after the first unwritten reply.
//   * Jobs and replies of any size: our ends of the pipes do not block; what a worker's pipe does not take waits.
//     A worker whose pipe was full once gets larger pipes.
//   * --joblog: for each job a line with its sequence (from 1), start and seconds, separated by tabs, in blocks of
//     64 KiB. A job starts when it is sent, or when the reply of the one before it is read.
//
// It is a measuring stick, not a tool: a worker that dies ends the run; there are no limits, retries or signals.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include "buffer.h"
#include "worker_pipes.h"

enum {
  RANGES = 4096,            // from the oldest unanswered one to the newest; a power of 2
  MOST_BYTES = 64 << 20,    // of jobs from the oldest unanswered one to the newest
  READ_AHEAD = 4 * BLOCK,   // of the input, once it holds a whole line
  LARGE_PIPE = 1 << 20,
};
// What epoll reports: the number of a worker whose output can be read, that number and CAN_WRITE, or one of these two.
enum { CAN_WRITE = 1 << 24, INPUT = 1 << 25, TIMER = 1 << 26 };

// Consecutive jobs that were sent to one worker by one write.
typedef struct {
  unsigned long first;  // the number of its first job
  unsigned count, done;
  size_t size;          // of its jobs, in bytes
  Buffer replies;       // those that came before their turn
  unsigned long next;   // the number of the next range of the same worker
} Range;

typedef struct {
  int to, from;
  unsigned in_flight;               // jobs
  unsigned long oldest, newest;     // numbers of its ranges, if there are jobs in flight
  Buffer unsent;                    // what its pipe did not take
  int is_idle, is_watched_for_room;
  long long since;                  // with a joblog: nanoseconds, when the job began that it works on
} Worker;

extern char **environ;
static unsigned worker_count, depth = 1, idle_count, *idle;  // idle: a stack of worker numbers, the warmest on top
static Worker *workers;
static Range ranges[RANGES];                    // range n is ranges[n % RANGES]
static unsigned long oldest_range, next_range;  // the oldest is the one whose replies go to the output
static unsigned long next_job, answered;        // numbers of jobs
static size_t unsettled;                        // bytes of the jobs in those ranges
static Buffer spares[RANGES];                   // buffers that no range uses, a stack
static unsigned spare_count;
static Buffer input, output, joblog;
static Buffer line_ends;                         // of the complete lines in the input: positions in the stream
static size_t input_position;                    // of the first byte of the input in the stream
static int epoll, timer, is_timer_set, joblog_file = -1;
static int input_ended, input_pollable, input_watched;

static void watch(int descriptor, unsigned events, unsigned data) {
  struct epoll_event event = {.events = events, .data.u32 = data};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
}

static void start_worker(unsigned number, char **command) {
  int to[2], from[2];
  posix_spawn_file_actions_t actions;
  make_worker_pipes(to, from, &actions);
  if ((errno = posix_spawnp(&(pid_t){0}, command[0], &actions, NULL, command, environ)) != 0) die(command[0]);
  posix_spawn_file_actions_destroy(&actions);
  close(to[0]);
  close(from[1]);
  // Of our ends only: each end of a pipe has flags of its own.
  if (fcntl(to[1], F_SETFL, O_WRONLY | O_NONBLOCK) != 0 || fcntl(from[0], F_SETFL, O_NONBLOCK) != 0) die("fcntl");
  workers[number] = (Worker){.to = to[1], .from = from[0], .is_idle = 1};
  idle[idle_count++] = number;
  watch(from[0], EPOLLIN | EPOLLET, number);
}

// ---- output

static void flush(int descriptor, Buffer *buffer) {
  write_all(descriptor, buffer->bytes, buffer->end);
  buffer->start = buffer->end = 0;
}

static void put_out(const char *bytes, size_t count) {
  if (output.end == 0 && count >= BLOCK / 2) return write_all(STDOUT_FILENO, bytes, count);
  append(&output, bytes, count);
  if (output.end >= BLOCK) flush(STDOUT_FILENO, &output);
}

// Before each wait. A timer that was set for what has been written since comes early, which does no harm.
static void settle_output(void) {
  if (output.end == 0) return;
  if (answered == next_job) return flush(STDOUT_FILENO, &output);
  struct itimerspec delay = {.it_value.tv_nsec = 1000000};
  if (!is_timer_set && timerfd_settime(timer, 0, &delay, NULL) != 0) die("timerfd_settime");
  is_timer_set = 1;
}

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static char *put_number(char *to, unsigned long number, int digits) {
  char text[24], *start = text + sizeof text;
  for (; number > 0 || digits > 0; number /= 10, digits--) *--start = (char)('0' + number % 10);
  return mempcpy(to, start, (size_t)(text + sizeof text - start));
}

static void log_job(unsigned long job, long long start, long long end) {
  unsigned long begin = (unsigned long)start / 1000, took = end > start ? (unsigned long)(end - start) / 1000 : 0;
  reserve(&joblog, 80);
  char *to = joblog.bytes + joblog.end;
  to = put_number(to, job + 1, 1);
  *to++ = '\t';
  to = put_number(to, begin / 1000000, 1);
  *to++ = '.';
  to = put_number(to, begin % 1000000, 6);
  *to++ = '\t';
  to = put_number(to, took / 1000000, 1);
  *to++ = '.';
  to = put_number(to, took % 1000000, 6);
  *to++ = '\n';
  joblog.end = (size_t)(to - joblog.bytes);
  if (joblog.end >= BLOCK) flush(joblog_file, &joblog);
}

// ---- input

static size_t line_count(void) { return (line_ends.end - line_ends.start) / sizeof(size_t); }
static size_t input_size(void) { return input.end - input.start; }

static void read_input(void) {
  size_t before = input_size(), got = read_block(STDIN_FILENO, &input);
  if (got == 0) {
    input_ended = 1;
    size_t last = line_count() > 0 ? *(size_t *)(line_ends.bytes + line_ends.end - sizeof last) : input_position;
    if (last == input_position + input_size()) return;
    append(&input, "\n", 1);  // the last line has none
  }
  char *content = input.bytes + input.start, *newline = content + before - 1, *end = input.bytes + input.end;
  while ((newline = memchr(newline + 1, '\n', (size_t)(end - newline - 1))) != NULL) {
    size_t position = input_position + (size_t)(newline + 1 - content);
    append(&line_ends, &position, sizeof position);
  }
}

static int wants_input(void) {
  if (input_ended) return 0;
  return line_count() == 0 || (line_count() < (size_t)worker_count * depth && input_size() < READ_AHEAD);
}

// stdin is taken out when it is not wanted, since epoll reports a hang-up even to those who asked for nothing.
static void watch_input(void) {
  if (!input_pollable || wants_input() == input_watched) return;
  if (!input_watched) watch(STDIN_FILENO, EPOLLIN, INPUT);
  else if (epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL) != 0) die("epoll_ctl");
  input_watched = !input_watched;
}

// ---- jobs

// The first `length` bytes of the input belong to the worker, and of these `written` are in its pipe. The smaller part
// is copied: the rest to the worker, or else all that stands behind it, and the worker takes the buffer.
static void keep_unsent(unsigned number, size_t written, size_t length) {
  Worker *worker = &workers[number];
  char *content = input.bytes + input.start;
  size_t rest = length - written, behind = input_size() - length;
  if (rest < behind) {
    append(&worker->unsent, content + written, rest);
    input.start += length;
  } else {
    Buffer taken = input;
    input = worker->unsent;
    append(&input, content + length, behind);
    taken.start += written;
    taken.end = taken.start + rest;
    worker->unsent = taken;
  }
  if (worker->is_watched_for_room) return;
  watch(worker->to, EPOLLOUT | EPOLLET, number | CAN_WRITE);
  worker->is_watched_for_room = 1;
  fcntl(worker->to, F_SETPIPE_SZ, LARGE_PIPE);  // fewer turns per job; it may be denied
  fcntl(worker->from, F_SETPIPE_SZ, LARGE_PIPE);
}

static size_t write_some(int descriptor, const char *bytes, size_t count) {
  ssize_t written = write(descriptor, bytes, count);
  if (written < 0 && errno != EAGAIN) die("write to a worker");
  return written < 0 ? 0 : (size_t)written;
}

// Sends that many lines of the input.
static void send_range(unsigned number, unsigned count) {
  Worker *worker = &workers[number];
  line_ends.start += count * sizeof(size_t);
  size_t end = *(size_t *)(line_ends.bytes + line_ends.start - sizeof end), length = end - input_position;
  ranges[next_range % RANGES] = (Range){.first = next_job, .count = count, .size = length};
  if (worker->in_flight > 0) ranges[worker->newest % RANGES].next = next_range;
  else worker->oldest = next_range;
  if (worker->in_flight == 0 && joblog_file >= 0) worker->since = now();
  worker->newest = next_range++;
  worker->in_flight += count;
  next_job += count;
  unsettled += length;
  size_t written = write_some(worker->to, input.bytes + input.start, length);
  input_position = end;
  if (written < length) keep_unsent(number, written, length);
  else input.start += length;
}

// How many jobs that worker shall get now: it gets its share of what there is.
static unsigned share(unsigned number) {
  if (next_range - oldest_range == RANGES || unsettled >= MOST_BYTES) return 0;
  if (!input_pollable) while (wants_input()) read_input();
  size_t count = line_count();
  size_t even = (count + worker_count - 1) / worker_count, room = depth - workers[number].in_flight;
  return (unsigned)(even < room ? even : room);
}

static void hand_out_jobs(void) {
  unsigned count;
  while (idle_count > 0 && (count = share(idle[idle_count - 1])) > 0) {
    unsigned number = idle[--idle_count];
    workers[number].is_idle = 0;
    send_range(number, count);
  }
}

// Idle workers come first; this one gets more if half of its jobs are answered.
static void refill(unsigned number) {
  Worker *worker = &workers[number];
  int wants = worker->in_flight <= depth / 2 && worker->unsent.start == worker->unsent.end && !worker->is_idle;
  if (wants && worker->in_flight == 0) {
    worker->is_idle = 1;
    idle[idle_count++] = number;
    wants = 0;
  }
  hand_out_jobs();
  unsigned count = wants && idle_count == 0 ? share(number) : 0;
  if (count > 0) send_range(number, count);
}

static void send_rest(unsigned number) {
  Buffer *unsent = &workers[number].unsent;
  if (unsent->start == unsent->end) return;
  unsent->start += write_some(workers[number].to, unsent->bytes + unsent->start, unsent->end - unsent->start);
  if (unsent->start < unsent->end) return;
  unsent->start = unsent->end = 0;
  refill(number);
}

// ---- replies

// The oldest range is done: the next one's replies go to the output, and so on while they are complete.
static void advance(void) {
  for (;;) {
    unsettled -= ranges[oldest_range % RANGES].size;
    if (++oldest_range == next_range) return;
    Range *range = &ranges[oldest_range % RANGES];
    if (range->replies.bytes != NULL) {
      put_out(range->replies.bytes, range->replies.end);
      range->replies.end = 0;
      spares[spare_count++] = range->replies;
      range->replies.bytes = NULL;
    }
    if (range->done < range->count) return;
  }
}

static void keep_or_put_out(Range *range, const char *bytes, size_t count) {
  if (range == &ranges[oldest_range % RANGES]) return put_out(bytes, count);
  if (range->replies.bytes == NULL && spare_count > 0) range->replies = spares[--spare_count];
  append(&range->replies, bytes, count);
}

// Replies, of which the last may be incomplete.
static void deliver(Worker *worker, const char *bytes, size_t count) {
  long long time = joblog_file >= 0 ? now() : 0;
  const char *end = bytes + count;
  while (bytes < end) {
    errno = 0;
    if (worker->in_flight == 0) die("a worker answered without a job");
    Range *range = &ranges[worker->oldest % RANGES];
    const char *piece = bytes;
    while (range->done < range->count && bytes < end) {
      const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
      bytes = newline == NULL ? end : newline + 1;
      if (newline == NULL) break;
      if (joblog_file >= 0) log_job(range->first + range->done, worker->since, time);
      worker->since = time;
      range->done++;
      worker->in_flight--;
      answered++;
    }
    keep_or_put_out(range, piece, (size_t)(bytes - piece));
    if (range->done < range->count) return;
    int is_oldest = worker->oldest == oldest_range;
    worker->oldest = range->next;
    if (is_oldest) advance();
  }
}

static void read_replies(unsigned number) {
  static char block[BLOCK];
  Worker *worker = &workers[number];
  ssize_t got;
  do {
    if ((got = read(worker->from, block, BLOCK)) < 0 && errno != EAGAIN) die("read from a worker");
    if (got == 0) errno = 0, die("a worker");
    if (got > 0) deliver(worker, block, (size_t)got);
  } while (got == BLOCK);  // it was drained if a read gave less
  refill(number);
}

// ---- the program

static void handle(unsigned event) {
  if (event == TIMER) {
    is_timer_set = 0;
    if (output.end > 0) flush(STDOUT_FILENO, &output);
  } else if (event == INPUT) {
    if (wants_input()) read_input();
    hand_out_jobs();
  } else if (event & CAN_WRITE) {
    send_rest(event & ~CAN_WRITE);
  } else {
    read_replies(event);
  }
}

static char **parse(int argc, char **argv) {
  int first = 1;
  for (; first + 1 < argc; first += 2) {
    if (strcmp(argv[first], "--depth") == 0) {
      depth = (unsigned)atoi(argv[first + 1]);
    } else if (strcmp(argv[first], "--joblog") == 0) {
      joblog_file = open(argv[first + 1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      if (joblog_file < 0) die(argv[first + 1]);
    } else {
      break;
    }
  }
  worker_count = argc > first + 1 ? (unsigned)atoi(argv[first]) : 0;
  if (worker_count >= 1 && worker_count < CAN_WRITE && depth >= 1 && depth <= 65536) return argv + first + 1;
  fprintf(stderr, "usage: floor_pipeline [--depth K] [--joblog FILE] WORKERS PROGRAM [ARGUMENT...]\n");
  exit(64);
}

int main(int argc, char **argv) {
  char **command = parse(argc, argv);
  workers = calloc(worker_count, sizeof *workers);
  idle = calloc(worker_count, sizeof *idle);
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  if ((timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) < 0) die("timerfd_create");
  watch(timer, EPOLLIN | EPOLLET, TIMER);
  struct stat status;
  if (fstat(STDIN_FILENO, &status) != 0) die("stdin");
  // epoll refuses regular files and /dev/null (EPERM): they are always ready.
  input_pollable = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(STDIN_FILENO);
  for (unsigned number = 0; number < worker_count; number++) {
    start_worker(number, command);
    hand_out_jobs();
  }
  struct epoll_event events[64];
  while (!input_ended || line_count() > 0 || answered < next_job) {
    settle_output();
    watch_input();
    int count = epoll_wait(epoll, events, 64, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; i++) handle(events[i].data.u32);
  }
  flush(STDOUT_FILENO, &output);
  if (joblog_file >= 0) flush(joblog_file, &joblog);
  for (unsigned number = 0; number < worker_count; number++) close(workers[number].to);
  while (wait(NULL) > 0) continue;
}
