// The floor for workers that are replaced: what `prefork run` does, as little as possible, as fast as a C programmer
// would write it by hand. For workers that live on, floor_pipeline.c is the faster one.
//
//     cc -O2 -o .build/bench/floor_pool Benchmarks/floor_pool.c
//     .build/bench/floor_pool [--recycle-after N | --fresh] [--supervised] WORKERS PROGRAM [ARGUMENT...]
//
// Jobs are the lines of stdin. Each worker holds one job at a time. Replies go to stdout in the order of the jobs.
// One thread, one level-triggered epoll; stdin is read and stdout written in blocks, stdout once per turn of the
// loop or when 64 KiB have gathered; no allocation per job once the buffers have grown.
//
// With --recycle-after, it is the floor for recycling: besides the workers it keeps one spare, started ahead (the
// first one when all workers are ready). A worker that has done N jobs gets no further one if the spare is ready: the
// spare takes its place, its stdin is closed, and when it has been reaped the next spare is started. If the spare is
// not ready, the worker serves on until it is. At the end, a spare that is still starting is sent SIGTERM, as nobody
// needs it any more, and stderr tells how many workers were started.
// A worker is ready when it has written a line, whatever it says; without --recycle-after none may write one.
//
// With --fresh, it is the floor for a new worker for each job: one that has answered gets no further job, its stdin is
// closed and the next worker is started in its place at once; it is reaped when it has closed its stdout.
//
// With --supervised it does for each worker what a pool owes its workers and its user: a worker leads a process
// group, starts with an empty signal mask and default signal actions and with no descriptor of ours, its stderr is read
// to the end and passed on, its end is watched by a pidfd, and whatever of its group is left is killed before it is
// reaped and its place is given to another.
//
// It is a measuring stick, not a tool: a worker that dies ends the run; a job of more than 64 KiB (what a pipe
// takes) deadlocks with a worker that replies before it has read all; there are no limits, retries or signals.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "buffer.h"
#include "worker_pipes.h"

enum { WINDOW = 4096 };  // jobs between the oldest unanswered one and the newest; a power of 2

typedef enum { SERVING, STARTING, SPARE, LEAVING } State;
typedef enum { OUTPUT, ERRORS, EXIT } Kind;  // what of a worker became ready
typedef struct {
  int to, from, errors, pidfd;  // errors and pidfd: only with is_supervised; each is -1 once closed
  unsigned serial;
  unsigned long job, jobs_done;
  Buffer reply;
  State state;
  pid_t pid;
} Worker;

extern char **environ;
static Worker *workers;
static char **command;
static int worker_count, process_count;  // process_count: the workers, and the spare if there is one
static int idle_count, *idle;            // idle: a stack of worker numbers, the warmest on top
static unsigned long recycle_after;      // jobs in the life of a worker; 0: no limit
static int is_fresh;                     // a new worker for each job
static int is_supervised;                // with all that a pool owes its workers
static posix_spawnattr_t attributes;     // with is_supervised
static int vacant_count, *vacant;        // with is_fresh: a stack of the numbers that no process has
static int serving_count, start_count, ready_spare = -1;  // ready_spare: its number, or -1
static Buffer input, output, waiting[WINDOW];  // waiting: replies that came before their turn
static unsigned long next_job, next_reply;     // numbers of the next job to hand out, and of the next reply to print
static int epoll, input_ended, input_pollable, input_watched;

static void flush_output(void) {
  write_all(STDOUT_FILENO, output.bytes + output.start, output.end - output.start);
  output.start = output.end = 0;
}

// The serial keeps what is still on its way of a worker from its successor.
static void watch(int number, Kind kind, int descriptor) {
  uint64_t token = (uint64_t)workers[number].serial << 32 | (uint64_t)kind << 24 | (uint64_t)number;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = token};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
}

static void start_worker(int number) {
  int to[2], from[2], errors[2] = {-1, -1};
  if (is_supervised && pipe2(errors, O_CLOEXEC) != 0) die("pipe2");
  posix_spawn_file_actions_t actions;
  make_worker_pipes(to, from, &actions);
  if (is_supervised) {
    posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  }
  pid_t pid;
  errno = posix_spawnp(&pid, command[0], &actions, is_supervised ? &attributes : NULL, command, environ);
  if (errno != 0) die(command[0]);
  posix_spawn_file_actions_destroy(&actions);
  close(to[0]);
  close(from[1]);
  workers[number] = (Worker){
    .to = to[1], .from = from[0], .errors = errors[0], .pidfd = -1, .serial = (unsigned)++start_count, .pid = pid,
    .state = recycle_after ? STARTING : SERVING};
  watch(number, OUTPUT, from[0]);
  if (is_supervised) {
    close(errors[1]);
    watch(number, ERRORS, errors[0]);
    if ((workers[number].pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0) die("pidfd_open");
    watch(number, EXIT, workers[number].pidfd);
  }
  if (!recycle_after) idle[idle_count++] = number;
  if (is_fresh) serving_count++;
}

// The next line of the input with its newline; a last line without one gets it. NULL: none is complete yet.
static char *next_line(size_t *length) {
  static size_t searched;  // so many bytes of the input hold no newline: a long line is searched once
  if (input.start == input.end) return NULL;
  char *line = input.bytes + input.start;
  char *newline = memchr(line + searched, '\n', input.end - input.start - searched);
  if (newline == NULL && input_ended) {
    append(&input, "\n", 1);
    line = input.bytes + input.start;
    newline = input.bytes + input.end - 1;
  }
  searched = newline == NULL ? input.end - input.start : 0;
  if (newline == NULL) return NULL;
  *length = (size_t)(newline + 1 - line);
  input.start += *length;
  return line;
}

// Told to epoll only when the answer changes: once per block, not once per job. An unwatched stdin is taken out,
// since epoll reports a hang-up even to those who asked for nothing.
static void watch_input(int wanted) {
  if (!input_pollable || wanted == input_watched) return;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)process_count};
  if (epoll_ctl(epoll, wanted ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, STDIN_FILENO, &event) != 0) die("epoll_ctl");
  input_watched = wanted;
}

static void hand_out_jobs(void) {
  while (idle_count > 0 && next_job - next_reply < WINDOW) {
    size_t length;
    char *job = next_line(&length);
    if (job == NULL) {
      if (input_ended) break;
      if (input_pollable) {
        watch_input(1);
        return;
      }
      if (read_block(STDIN_FILENO, &input) == 0) input_ended = 1;
      continue;
    }
    Worker *worker = &workers[idle[--idle_count]];
    worker->job = next_job++;
    write_all(worker->to, job, length);
  }
  watch_input(0);
}

// Prints the reply if it is its turn, and those that waited for it; else keeps it.
static void deliver(unsigned long job, const char *reply, size_t length) {
  if (job != next_reply) {
    append(&waiting[job % WINDOW], reply, length);
    return;
  }
  append(&output, reply, length);
  for (Buffer *next = &waiting[++next_reply % WINDOW]; next->end > 0; next = &waiting[++next_reply % WINDOW]) {
    append(&output, next->bytes, next->end);
    next->end = 0;
  }
  if (output.end >= BLOCK) flush_output();
}

static int is_overdue(int number) { return recycle_after && workers[number].jobs_done >= recycle_after; }

// The spare takes the place of that worker, which has no job and is not on the stack of idle ones.
static void replace(int number) {
  workers[number].state = LEAVING;
  close(workers[number].to);
  workers[number].to = -1;
  workers[ready_spare].state = SERVING;
  idle[idle_count++] = ready_spare;
  ready_spare = -1;
}

// One of the first workers, or else the spare; that one relieves an idle worker at once if it is overdue.
static void became_ready(int number) {
  if (serving_count < worker_count) {
    workers[number].state = SERVING;
    idle[idle_count++] = number;
    if (++serving_count == worker_count) start_worker(worker_count);
    return;
  }
  workers[number].state = SPARE;
  ready_spare = number;
  for (int i = 0; i < idle_count; i++) {
    if (!is_overdue(idle[i])) continue;
    int overdue = idle[i];
    memmove(idle + i, idle + i + 1, (size_t)(--idle_count - i) * sizeof *idle);
    replace(overdue);
    return;
  }
}

// With --fresh: a worker that has answered leaves, and the next one takes its place. There are twice as many numbers as
// workers, so that those on their way out seldom hold one up; if they do, the last of them starts it.
static void start_next(void) {
  if (vacant_count > 0) start_worker(vacant[--vacant_count]);
}

static void leave(int number) {
  workers[number].state = LEAVING;
  close(workers[number].to);
  workers[number].to = -1;
  serving_count--;
  start_next();
}

// The end of a worker that had to go makes room for the next spare.
static void ended(int number) {
  Worker *worker = &workers[number];
  if (worker->state != LEAVING) die("a worker");
  if (!is_supervised && waitpid(worker->pid, NULL, 0) < 0) die("waitpid");
  free(worker->reply.bytes);
  if (is_fresh) {
    vacant[vacant_count++] = number;
    if (serving_count < worker_count) start_next();
  } else {
    start_worker(number);
  }
}

// One of the descriptors of a worker is at its end; the last one is that of the worker.
static void close_end(int number, int *descriptor) {
  Worker *worker = &workers[number];
  // Closing alone does not always do it: one that is being executed may still hold a copy for a moment.
  epoll_ctl(epoll, EPOLL_CTL_DEL, *descriptor, NULL);
  close(*descriptor);
  *descriptor = -1;
  if (worker->from >= 0 || worker->errors >= 0 || worker->pidfd >= 0) return;
  worker->serial = 0;
  ended(number);
  hand_out_jobs();
}

// What it writes to stderr is passed on.
static void read_errors(int number) {
  static char block[BLOCK];
  ssize_t got = read(workers[number].errors, block, BLOCK);
  if (got < 0) die("read");
  if (got == 0) close_end(number, &workers[number].errors);
  else write_all(STDERR_FILENO, block, (size_t)got);
}

// It is dead: its group goes while its number cannot be another's yet.
static void reap(int number) {
  Worker *worker = &workers[number];
  siginfo_t info;
  kill(-worker->pid, SIGKILL);
  if (waitid(P_PIDFD, (id_t)worker->pidfd, &info, WEXITED) != 0) die("waitid");
  close_end(number, &worker->pidfd);
}

static void read_reply(int number) {
  Worker *worker = &workers[number];
  Buffer *reply = &worker->reply;
  errno = 0;
  if (read_block(worker->from, reply) == 0) {
    close_end(number, &worker->from);
    return;
  }
  if (reply->bytes[reply->end - 1] != '\n') return;
  if (worker->state == STARTING) {
    became_ready(number);
  } else {
    deliver(worker->job, reply->bytes, reply->end);
    worker->jobs_done++;
    if (is_fresh) leave(number);
    else if (ready_spare >= 0 && is_overdue(number)) replace(number);
    else idle[idle_count++] = number;
  }
  reply->end = 0;
  hand_out_jobs();
}

static void became_readable(uint64_t token) {
  int number = (int)(token & 0xffffff);
  if (workers[number].serial != token >> 32) return;
  switch ((Kind)(token >> 24 & 0xff)) {
    case OUTPUT: if (workers[number].from >= 0) read_reply(number); break;
    case ERRORS: if (workers[number].errors >= 0) read_errors(number); break;
    case EXIT: if (workers[number].pidfd >= 0) reap(number); break;
  }
}

static void prepare_attributes(void) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

// The number of the first argument that is no option.
static int read_options(int argc, char **argv) {
  int next = 1;
  for (; next < argc && argv[next][0] == '-'; next++) {
    if (strcmp(argv[next], "--fresh") == 0) is_fresh = 1;
    else if (strcmp(argv[next], "--supervised") == 0) is_supervised = 1;
    else if (strcmp(argv[next], "--recycle-after") != 0 || next + 1 == argc) return argc;
    else if ((recycle_after = strtoul(argv[++next], NULL, 10)) == 0) return argc;
  }
  return next;
}

int main(int argc, char **argv) {
  int first = read_options(argc, argv);
  worker_count = argc > first + 1 ? atoi(argv[first]) : 0;
  if (worker_count < 1 || (is_fresh && recycle_after)) {
    fprintf(stderr, "usage: floor_pool [--recycle-after N | --fresh] [--supervised] WORKERS PROGRAM [ARGUMENT...]\n");
    return 64;
  }
  command = argv + first + 1;
  process_count = is_fresh ? 2 * worker_count : recycle_after ? worker_count + 1 : worker_count;
  if ((epoll = epoll_create1(EPOLL_CLOEXEC)) < 0) die("epoll_create1");
  workers = calloc((size_t)process_count, sizeof *workers);
  prepare_attributes();
  idle = calloc((size_t)worker_count, sizeof *idle);
  for (int number = 0; number < worker_count; number++) start_worker(number);
  vacant = calloc((size_t)process_count, sizeof *vacant);
  for (int number = worker_count; number < process_count; number++) {
    workers[number].to = -1;
    if (is_fresh) vacant[vacant_count++] = number;
  }

  struct stat status;
  if (fstat(STDIN_FILENO, &status) != 0) die("stdin");
  // epoll refuses regular files and /dev/null (EPERM): they are always ready.
  input_pollable = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || isatty(STDIN_FILENO);
  hand_out_jobs();
  struct epoll_event events[64];
  while (!input_ended || next_reply < next_job) {
    flush_output();  // before each wait: a reply is never kept while nothing happens
    int count = epoll_wait(epoll, events, 64, -1);
    if (count < 0 && errno != EINTR) die("epoll_wait");
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 != (uint64_t)process_count) {
        became_readable(events[i].data.u64);
      } else if (input_watched) {
        if (read_block(STDIN_FILENO, &input) == 0) input_ended = 1;
        hand_out_jobs();
      }
    }
  }
  flush_output();
  for (int number = 0; number < process_count; number++) {
    close(workers[number].to);
    if (workers[number].state == STARTING) kill(workers[number].pid, SIGTERM);
  }
  while (wait(NULL) > 0) continue;
  if (recycle_after) fprintf(stderr, "floor_pool: %d worker starts\n", start_count);
}
