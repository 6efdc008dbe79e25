// Why not posix_spawn(3): glibc's is itself vfork and exec, but has no attribute for resource limits, niceness, user,
// cgroup or the signal at the death of the parent. A launcher program that sets them would be a second binary to find,
// and a second exec. So the child does it itself, between vfork and exec, with nothing but system calls: it shares our
// memory (after vfork) or has only one of our threads (after fork), and must not touch a lock, allocate or return.
#define _GNU_SOURCE
#include "CLinux.h"
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "on 32-bit systems setgroups, setresgid and setresuid take 16-bit numbers");
_Static_assert(_NSIG - 1 == 64, "a kernel signal set is 64 bits");

/// What the parent knows and the child needs.
struct launch {
  const struct prefork_spawn_request *request;
  const char *path; // our PATH
  pid_t parent;
  struct prefork_spawn_failure *failure; // ours as well, if the child shares our memory
  int report;                            // else a pipe to tell it by, closed by exec; -1 for none
};

// The kernel's own call: that of glibc leaves out two signals of its own, which a child would inherit blocked.
static void set_signal_mask(uint64_t mask, uint64_t *old) {
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof mask);
}

// Ignored signals are inherited over exec: without this a worker would ignore SIGPIPE, even SIGTERM. And handlers must
// be gone before the mask is lifted: they would run in our memory.
static void reset_signal_actions(void) {
  static const char none[64]; // SIG_DFL, no flags, an empty mask, in the kernel's layout on every machine
  for (int number = 1; number < _NSIG; number++) syscall(SYS_rt_sigaction, number, none, NULL, sizeof(uint64_t));
}

static _Noreturn void fail(const struct launch *launch, enum prefork_spawn_step step, int limit) {
  *launch->failure = (struct prefork_spawn_failure){.step = (int)step, .limit = limit, .code = errno ? errno : EIO};
  // A pipe takes so few bytes at once.
  ssize_t written = launch->report < 0 ? 0 : write(launch->report, launch->failure, sizeof *launch->failure);
  _exit(written < 0 ? 126 : 127);
}

/// 0, 1 and 2 as wanted; all others closed, by exec at the latest.
static int arrange_descriptors(struct launch *launch) {
  const struct prefork_spawn_request *request = launch->request;
  int wanted[3] = {request->in, request->out, request->err};
  // None may be overwritten before it is used. (A program that embeds the pool may have closed its standard ones.)
  for (int i = 0; i < 3; i++)
    if ((wanted[i] = prefork_lift_descriptor(wanted[i])) < 0) return -1;
  if (launch->report >= 0) {
    int report = prefork_lift_descriptor(launch->report);
    if (report < 0) return -1;
    launch->report = report;
  }
  for (int i = 0; i < 3; i++)
    if (dup2(wanted[i], i) < 0) return -1; // clears close-on-exec
  return prefork_close_from_3(launch->report >= 0);
}

static int add_niceness(int increment) {
  errno = 0; // -1 is a possible result
  int current = getpriority(PRIO_PROCESS, 0);
  if (current == -1 && errno) return -1;
  return setpriority(PRIO_PROCESS, 0, current + increment);
}

/// The kernel's own calls: those of glibc would send a signal to each of our threads to change them, too.
static int become_user(const struct prefork_spawn_request *request) {
  gid_t gid = request->gid;
  uid_t uid = request->uid;
  if (syscall(SYS_setgroups, request->group_count, request->groups)) return -1;
  if (syscall(SYS_setresgid, gid, gid, gid)) return -1;
  if (syscall(SYS_setresuid, uid, uid, uid)) return -1;
  // Capabilities go by themselves when root becomes somebody else, but not these when another user does.
  // (Before Linux 4.3 there are none.)
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return 0;
}

/// As posix_spawnp(3): the first that can be executed; a file without a #! line is an error, not a script for sh.
static void execute(const struct launch *launch) {
  const struct prefork_spawn_request *request = launch->request;
  const char *program = request->program;
  size_t length = strlen(program);
  if (length == 0 || strchr(program, '/')) {
    execve(program, request->argv, request->envp); // ENOENT for the empty name
    return;
  }
  int denied = 0;
  char candidate[PATH_MAX];
  errno = ENOENT;
  for (const char *folder = launch->path, *next; folder; folder = next) {
    size_t folder_length = strcspn(folder, ":");
    next = folder[folder_length] ? folder + folder_length + 1 : NULL;
    if (folder_length + length + 2 > sizeof candidate) continue; // no such file can exist
    memcpy(candidate, folder, folder_length);
    // No folder means the present one.
    if (folder_length) candidate[folder_length++] = '/';
    memcpy(candidate + folder_length, program, length + 1);
    execve(candidate, request->argv, request->envp);
    if (errno == EACCES) denied = 1;
    else if (errno != ENOENT && errno != ENOTDIR && errno != ENODEV && errno != ESTALE && errno != ETIMEDOUT) return;
  }
  if (denied) errno = EACCES;
}

static _Noreturn void run_child(struct launch *launch) {
  const struct prefork_spawn_request *request = launch->request;
  reset_signal_actions();
  if (setpgid(0, 0)) fail(launch, prefork_step_start, 0);
  if (request->cgroup_procs >= 0 && write(request->cgroup_procs, "0", 1) != 1) fail(launch, prefork_step_cgroup, 0);
  // Before the limits: one on open files must not hinder us.
  if (arrange_descriptors(launch)) fail(launch, prefork_step_descriptors, 0);
  // Before the change of user, who may not raise them.
  for (size_t i = 0; i < request->limit_count; i++) {
    struct rlimit limit = {.rlim_cur = request->limits[i].soft, .rlim_max = request->limits[i].hard};
    if (setrlimit(request->limits[i].resource, &limit)) fail(launch, prefork_step_limit, (int)i);
  }
  if (request->nice_increment && add_niceness(request->nice_increment)) fail(launch, prefork_step_niceness, 0);
  if (request->changes_user && become_user(request)) fail(launch, prefork_step_user, 0);
  if (request->dies_with_thread) {
    // A change of user clears it, so only now. It is for a death to come: perhaps our parent is dead already.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != launch->parent) kill(getpid(), SIGKILL);
  }
  // As the new user, who must be able to enter it.
  if (request->directory && chdir(request->directory)) fail(launch, prefork_step_directory, 0);
  set_signal_mask(0, NULL);
  execute(launch);
  fail(launch, prefork_step_exec, 0);
}

/// What the child does stands in a function that it never leaves, since after vfork its stack is also ours; and vfork
/// in one that has no locals of its own to lose by that.
__attribute__((noinline)) static pid_t start_child(struct launch *launch, int shares_memory) {
  // _Fork, not fork: what a program registered by pthread_atfork is not for a child that executes at once.
  pid_t pid = shares_memory ? vfork() : _Fork();
  if (pid == 0) run_child(launch);
  if (pid < 0) launch->failure->code = errno;
  return pid;
}

/// After fork it tells us by a pipe. The read ends when it executes, fails or dies: others hold the pipe no longer than
/// from their fork to their exec.
static pid_t start_with_own_memory(struct launch *launch) {
  int report[2];
  if (pipe2(report, O_CLOEXEC)) {
    launch->failure->code = errno;
    return -1;
  }
  launch->report = report[1];
  pid_t pid = start_child(launch, 0);
  close(report[1]);
  if (pid > 0 && read(report[0], launch->failure, sizeof *launch->failure) < 0) launch->failure->code = errno;
  close(report[0]);
  return pid;
}

int prefork_spawn(const struct prefork_spawn_request *request, pid_t *pid, struct prefork_spawn_failure *failure) {
  const char *path = getenv("PATH");
  struct launch launch = {
      .request = request, .path = path ? path : "/bin:/usr/bin", .parent = getpid(), .failure = failure, .report = -1};
  uint64_t mask;
  *failure = (struct prefork_spawn_failure){.step = prefork_step_start};
  // No handler of ours may run in the child, which shares our memory.
  set_signal_mask(~(uint64_t)0, &mask);
  // fork copies our page tables, 20 to 50 ms for each GiB; vfork lends our memory to the child until it executes, while
  // we are asleep. But one that has become another user must not have it: that user could reach into us through it. (So
  // decided CPython, too.)
  *pid = request->changes_user ? start_with_own_memory(&launch) : start_child(&launch, 1);
  if (failure->code && *pid > 0) {
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
  }
  set_signal_mask(mask, NULL);
  return failure->code ? -1 : 0;
}
