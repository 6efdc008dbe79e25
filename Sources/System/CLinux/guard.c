// Why a process of its own: only another process can react to a SIGKILL. PDEATHSIG kills the worker alone, and already
// when a thread ends; its children, and processes that called setsid, would stay. The guard is made by fork, also in
// programs with many threads, so all that it does is done by system calls: no memory, no lock, nothing that could wait
// for a thread which it has not.
#define _GNU_SOURCE
#include "CLinux.h"
#include "descriptors.h"
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int32_t *prefork_guard_make_table(void) {
  void *table = mmap(NULL, prefork_guard_capacity * sizeof(int32_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                     -1, 0);
  return table == MAP_FAILED ? NULL : table;
}

void prefork_guard_free_table(int32_t *table) { munmap(table, prefork_guard_capacity * sizeof(int32_t)); }

int prefork_guard_enter(int32_t *table, pid_t leader) {
  for (int place = 0; place < prefork_guard_capacity; place++) {
    if (__atomic_load_n(&table[place], __ATOMIC_RELAXED)) continue;
    int32_t empty = 0;
    if (__atomic_compare_exchange_n(&table[place], &empty, leader, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) return place;
  }
  return -1;
}

void prefork_guard_strike_out(int32_t *table, int place) { __atomic_store_n(&table[place], 0, __ATOMIC_SEQ_CST); }

// What the guard keeps open, and nothing else. In this order from descriptor 0 on.
enum { owner_fd, proc_fd, cgroup_fd };

/// What the guard knows.
struct watch {
  const int32_t *table;
  const char *entry, *cgroup;
  int descriptors[3]; // of the owner, of /proc, and of the cgroup or -1
};

// A round over /proc takes some 5 µs per process of the machine. A process that forks as fast as it can may need many.
enum { patience_ms = 3000, quiet_ms = 300, sure_ms = 100, pause_ms = 5 };

/// Gives itself a name of its own in ps, and an empty environment: it was forked with those of the owner, and must not
/// be taken for it (`pkill -f`), nor, if the owner is a worker of another pool, fall to the guard of that pool before
/// it has done its work.
static void put_on_own_name(int proc) {
  static const char name[] = "worker-guard";
  prctl(PR_SET_NAME, name, 0, 0, 0);
  char text[2048];
  int stat = openat(proc, "self/stat", O_RDONLY | O_CLOEXEC);
  ssize_t length = stat < 0 ? -1 : read(stat, text, sizeof text - 1);
  if (stat >= 0) close(stat);
  if (length <= 0) return;
  text[length] = 0;
  // Fields 48 to 51 of proc(5) say where arguments and environment begin and end. The second, the name, may hold
  // blanks and brackets; after its last bracket comes the third.
  const char *next = strrchr(text, ')');
  unsigned long places[4] = {0};
  for (int field = 2; next && field < 51; field++) {
    next = strchr(next + 1, ' ');
    if (next && field >= 47) places[field - 47] = strtoul(next, NULL, 10);
  }
  char *arguments = (char *)places[0], *environment = (char *)places[2];
  if (!next || !arguments || !environment) return;
  size_t room = places[1] - places[0];
  memset(arguments, 0, room);
  memset(environment, 0, places[3] - places[2]);
  if (room > 0) memcpy(arguments, name, room < sizeof name ? room - 1 : sizeof name);
}

struct removal {
  int folder, depth;
};

/// Cgroups below cgroups; files cannot be removed, and go with their folder.
static void remove_below(void *context, const char *name) {
  struct removal *above = context;
  if (name[0] == '.' || above->depth == 0) return;
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  struct removal below = {.folder = openat(above->folder, name, flags), .depth = above->depth - 1};
  if (below.folder < 0) return;
  prefork_each_entry(below.folder, remove_below, &below);
  close(below.folder);
  unlinkat(above->folder, name, AT_REMOVEDIR);
}

/// True when it is gone.
static int remove_cgroup(const char *cgroup) {
  struct removal top = {.folder = cgroup_fd, .depth = 8};
  prefork_each_entry(top.folder, remove_below, &top);
  return rmdir(cgroup) == 0 || errno == ENOENT;
}

static void kill_cgroup(void) {
  int file = openat(cgroup_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
  if (file < 0) return; // before Linux 5.14, or removed
  ssize_t written = write(file, "1", 1);
  (void)written; // what it did not reach is found by its environment
  close(file);
}

/// A number is signalled that the owner entered while the process was certainly its child. It can be that of a stranger
/// only if, in the moment since the owner died, the worker was reaped by its new parent, its whole group is gone, and
/// all the numbers that the system has were given out.
static void kill_groups(const int32_t *table) {
  for (int place = 0; place < prefork_guard_capacity; place++) {
    pid_t leader = __atomic_load_n(&table[place], __ATOMIC_SEQ_CST);
    if (leader > 1) kill(-leader, SIGKILL);
  }
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/// Kills until no process is left. It goes on until all rounds of the last moment were sure of that, because the
/// environment of a process is hidden while it executes another program, which takes longer on a busy machine. If other
/// programs start processes all the time, no round is ever sure; then it is enough to find none for a while.
static void avenge(const struct watch *watch) {
  const struct timespec pause = {.tv_nsec = pause_ms * 1000000L};
  const int64_t start = now_ms();
  int64_t now = start, last_found = start, last_unsure = start;
  int sure_rounds = 0;
  kill_groups(watch->table);
  while ((sure_rounds < 2 || now - last_unsure < sure_ms) && now - last_found < quiet_ms && now - start < patience_ms) {
    int sure;
    if (watch->cgroup) kill_cgroup();
    int left = prefork_sweep(proc_fd, watch->entry, &sure) > 0;
    if (watch->cgroup && !remove_cgroup(watch->cgroup)) left = 1;
    nanosleep(&pause, NULL);
    now = now_ms();
    if (left) last_found = now;
    sure_rounds = sure && !left ? sure_rounds + 1 : 0;
    if (sure_rounds == 0) last_unsure = now;
  }
}

/// Keeps no descriptor of the owner's: the reader of its stdout must see the end when the owner ends.
static int keep_only(const int descriptors[3]) {
  int lifted[3];
  for (int i = 0; i < 3; i++)
    if (descriptors[i] >= 0 && (lifted[i] = prefork_lift_descriptor(descriptors[i])) < 0) return -1;
  for (int i = 0; i < 3; i++)
    if (descriptors[i] < 0) close(i);
    else if (dup2(lifted[i], i) < 0) return -1;
  return 0;
}

static _Noreturn void run_guard(const struct watch *watch, int ready) {
  int code = 0;
  // Not reached by Ctrl-C, nor by what is sent to the group of the owner, SIGKILL included.
  if (setpgid(0, 0) || (ready = prefork_lift_descriptor(ready)) < 0 || keep_only(watch->descriptors)) code = errno;
  put_on_own_name(proc_fd);
  if (chdir("/")) code = errno; // keeps no file system busy
  ssize_t written = write(ready, &code, sizeof code);
  if (written < 0 || code || prefork_close_from_3()) _exit(1);
  struct pollfd owner = {.fd = owner_fd, .events = POLLIN};
  while (poll(&owner, 1, -1) <= 0) {}
  avenge(watch);
  _exit(0);
}

/// The guard's end of this pipe is closed by its death at the latest.
static int wait_until_ready(int ready) {
  int code = 0;
  ssize_t count;
  do count = read(ready, &code, sizeof code);
  while (count < 0 && errno == EINTR);
  return count == sizeof code ? code : ECHILD;
}

static pid_t fork_guard(const struct watch *watch, int ready) {
  uint64_t all = ~(uint64_t)0, mask;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &mask, sizeof mask);
  pid_t pid = _Fork();
  if (pid == 0) run_guard(watch, ready);
  int code = errno;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
  errno = code;
  return pid;
}

/// Forks with all that the guard needs open; a pidfd of it.
static int start_guard(const struct watch *watch, pid_t *pid) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC)) return -1;
  *pid = fork_guard(watch, ready[1]);
  int code = errno;
  close(ready[1]);
  int pidfd = *pid < 0 ? -1 : prefork_pidfd_open(*pid);
  if (*pid >= 0) code = pidfd < 0 ? errno : wait_until_ready(ready[0]);
  close(ready[0]);
  if (*pid >= 0 && code) {
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
    if (pidfd >= 0) close(pidfd);
    pidfd = -1;
  }
  errno = code;
  return pidfd;
}

int prefork_guard_start(const int32_t *table, const char *entry, const char *cgroup, pid_t *pid) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  struct watch watch = {.table = table, .entry = entry, .cgroup = cgroup, .descriptors = {-1, -1, -1}};
  // Opened by the owner itself: no other process can have taken its number by then.
  watch.descriptors[owner_fd] = prefork_pidfd_open(getpid());
  int complete = watch.descriptors[owner_fd] >= 0;
  complete = complete && (watch.descriptors[proc_fd] = open("/proc", flags)) >= 0;
  complete = complete && (!cgroup || (watch.descriptors[cgroup_fd] = open(cgroup, flags)) >= 0);
  int guard = complete ? start_guard(&watch, pid) : -1;
  int code = errno;
  for (int i = 0; i < 3; i++)
    if (watch.descriptors[i] >= 0) close(watch.descriptors[i]);
  errno = code;
  return guard;
}

void prefork_guard_stop(int pidfd, pid_t pid) {
  siginfo_t info;
  // Its number is its own as long as it is our child.
  if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0) return;
  prefork_signal_process(pidfd, pid, SIGKILL);
  while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR) {}
}
