// Workers are started by posix_spawn(3): it does not copy our page tables, whatever our size, and runs nothing of ours
// in the child. For what it has no attribute for (cgroup, limits, niceness, user, the signal at the death of the
// parent) it starts the launcher instead, which does these steps and then executes the worker.
#define _GNU_SOURCE
#include "CLinux.h"
#include "descriptors.h"
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/// How posix_spawn is to be called: what stands at place N becomes descriptor N of the child, which gets no other.
struct start {
  const char *program; // NULL: this executable, as the launcher
  char *const *argv, *const *envp;
  int descriptors[5], descriptor_count;
  int directory; // a descriptor, or -1
};

static int fail(struct prefork_spawn_failure *failure, enum prefork_spawn_step step, int code) {
  *failure = (struct prefork_spawn_failure){.step = (int)step, .code = code};
  return -1;
}

/// The attributes are the same for all: a process group of its own, no signal blocked, none ignored. Also the two
/// signals that glibc keeps for itself and leaves out of sigfillset(3): it would have them ignored.
static int prepare_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  memset(&all, 0xff, sizeof all);
  int code = posix_spawnattr_init(attributes);
  if (!code) code = posix_spawnattr_setsigmask(attributes, &none);
  if (!code) code = posix_spawnattr_setsigdefault(attributes, &all);
  const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  return code ? code : posix_spawnattr_setflags(attributes, flags);
}

static int prepare_actions(posix_spawn_file_actions_t *actions, const struct start *start) {
  int code = posix_spawn_file_actions_init(actions);
  // A descriptor that has its number already only loses its close-on-exec by this.
  for (int i = 0; i < start->descriptor_count && !code; i++)
    code = posix_spawn_file_actions_adddup2(actions, start->descriptors[i], i);
  if (!code && start->directory >= 0) code = posix_spawn_file_actions_addfchdir_np(actions, start->directory);
  return code ? code : posix_spawn_file_actions_addclosefrom_np(actions, start->descriptor_count);
}

static int spawn_with(const struct start *start, const posix_spawn_file_actions_t *actions, pid_t *pid) {
  posix_spawnattr_t attributes;
  int code = prepare_attributes(&attributes);
  if (code) return code;
  code = start->program ? posix_spawnp(pid, start->program, actions, &attributes, start->argv, start->envp)
                        // It is found there even if the file was replaced or deleted.
                        : posix_spawn(pid, "/proc/self/exe", actions, &attributes, start->argv, start->envp);
  posix_spawnattr_destroy(&attributes);
  return code;
}

/// Lifts those descriptors that would be overwritten before they are used; `is_lifted` has a bit for each. (A program
/// that embeds the pool may have closed its standard ones.)
static int lift_descriptors(struct start *start, unsigned *is_lifted) {
  for (int i = 0; i < start->descriptor_count; i++) {
    int fd = start->descriptors[i];
    if (fd >= start->descriptor_count || fd == i) continue;
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, start->descriptor_count);
    if (lifted < 0) return errno;
    start->descriptors[i] = lifted;
    *is_lifted |= 1u << i;
  }
  return 0;
}

/// 0 or an errno. EBADF comes from the descriptors: neither a program nor a directory that is open can cause it.
static int spawn_lifted(struct start *start, pid_t *pid) {
  unsigned is_lifted = 0;
  int code = lift_descriptors(start, &is_lifted);
  posix_spawn_file_actions_t actions;
  if (!code) {
    code = prepare_actions(&actions, start);
    if (!code) code = spawn_with(start, &actions, pid);
    posix_spawn_file_actions_destroy(&actions);
  }
  for (int i = 0; i < start->descriptor_count; i++)
    if (is_lifted >> i & 1) close(start->descriptors[i]);
  return code;
}

/// clone3(2) refuses a structure of size 0 with EINVAL; a seccomp filter answers EPERM first.
static int is_clone_forbidden(void) { return syscall(SYS_clone3, NULL, 0) < 0 && errno == EPERM; }

static enum prefork_spawn_step step_of(int code) {
  if (code == EBADF) return prefork_step_descriptors;
  if (code == EPERM && is_clone_forbidden()) return prefork_step_start;
  return prefork_step_exec;
}

/// Opens a directory that the child is going to enter. posix_spawn would not report a failure; but the right to
/// look up a name in it is the right to enter it, so that we find out before.
static int open_directory(const char *path) {
  struct stat itself;
  int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || fstatat(directory, ".", &itself, 0) == 0) return directory;
  int code = errno;
  close(directory);
  errno = code;
  return -1;
}

static int spawn_plain(
    const struct prefork_spawn_request *request, pid_t *pid, struct prefork_spawn_failure *failure) {
  struct start start = {
      .program = request->program, .argv = request->argv, .envp = request->envp,
      .descriptors = {request->in, request->out, request->err}, .descriptor_count = 3, .directory = -1};
  if (request->directory && (start.directory = open_directory(request->directory)) < 0)
    return fail(failure, prefork_step_directory, errno);
  int code = spawn_lifted(&start, pid);
  if (start.directory >= 0) close(start.directory);
  return code ? fail(failure, step_of(code), code) : 0;
}

static uint32_t count_strings(char *const *strings, uint64_t *size) {
  uint32_t count = 0;
  for (; strings[count]; count++) *size += strlen(strings[count]) + 1;
  return count;
}

static char *append(char *end, const void *bytes, size_t count) { return mempcpy(end, bytes, count); }

static char *append_string(char *end, const char *string) { return append(end, string, strlen(string) + 1); }

/// The request as the launcher reads it, to be freed.
static char *encode(const struct prefork_spawn_request *request, size_t *size) {
  const char *directory = request->directory ? request->directory : "";
  struct prefork_launch_header header = {
      .magic = prefork_launch_magic, .limit_count = (uint32_t)request->limit_count,
      .group_count = (uint32_t)request->group_count, .enters_cgroup = request->cgroup_procs >= 0,
      .nice_increment = request->nice_increment, .changes_user = request->changes_user,
      .dies_with_thread = request->dies_with_thread, .has_directory = request->directory != NULL,
      .uid = request->uid, .gid = request->gid, .text_size = strlen(request->program) + strlen(directory) + 2};
  header.argument_count = count_strings(request->argv, &header.text_size);
  header.variable_count = count_strings(request->envp, &header.text_size);
  size_t limits_size = request->limit_count * sizeof *request->limits;
  size_t groups_size = request->group_count * sizeof *request->groups;
  *size = sizeof header + limits_size + groups_size + header.text_size;
  char *bytes = malloc(*size);
  if (!bytes) return NULL;
  char *end = append(bytes, &header, sizeof header);
  end = append(end, request->limits, limits_size);
  end = append(end, request->groups, groups_size);
  end = append_string(append_string(end, request->program), directory);
  for (char *const *next = request->argv; *next; next++) end = append_string(end, *next);
  for (char *const *next = request->envp; *next; next++) end = append_string(end, *next);
  return bytes;
}

/// Sends the request and waits until the worker runs. The launcher's end is closed by that, or by its death.
static void exchange(int socket, const char *bytes, size_t size, struct prefork_spawn_failure *failure) {
  while (size > 0) {
    ssize_t count = send(socket, bytes, size, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break; // it is dead, perhaps after a report
    bytes += count;
    size -= (size_t)count;
  }
  // Without at least a report that it is about to execute, it did not get that far.
  *failure = (struct prefork_spawn_failure){.step = prefork_step_launcher, .code = ECHILD};
  struct prefork_spawn_failure reported;
  ssize_t count;
  do {
    count = recv(socket, &reported, sizeof reported, MSG_WAITALL);
    if (count == sizeof reported) *failure = reported;
  } while (count == sizeof reported || (count < 0 && errno == EINTR));
}

/// Starts the launcher with the other end of the socket.
static int start_launcher(
    const struct prefork_spawn_request *request, int socket, pid_t *pid, struct prefork_spawn_failure *failure) {
  char *argv[] = {PREFORK_LAUNCHER_NAME, PREFORK_LAUNCHER_MODE, NULL};
  // Our own environment: what we need to run (LD_LIBRARY_PATH), it needs, too.
  struct start start = {
      .argv = argv, .envp = environ, .descriptors = {request->in, request->out, request->err, socket,
      request->cgroup_procs}, .descriptor_count = request->cgroup_procs >= 0 ? 5 : 4, .directory = -1};
  int code = spawn_lifted(&start, pid);
  if (!code) return 0;
  enum prefork_spawn_step step = step_of(code);
  return fail(failure, step == prefork_step_exec ? prefork_step_launcher : step, code);
}

static int spawn_by_launcher(
    const struct prefork_spawn_request *request, pid_t *pid, struct prefork_spawn_failure *failure) {
  if (!prefork_has_launcher()) return fail(failure, prefork_step_launcher, EOPNOTSUPP);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return fail(failure, prefork_step_start, errno);
  size_t size;
  char *bytes = encode(request, &size);
  int result = bytes ? start_launcher(request, ends[1], pid, failure) : fail(failure, prefork_step_start, ENOMEM);
  close(ends[1]);
  if (result == 0) {
    exchange(ends[0], bytes, size, failure);
    if (failure->code) {
      kill(*pid, SIGKILL);
      waitpid(*pid, NULL, 0);
      result = -1;
    }
  }
  free(bytes);
  close(ends[0]);
  return result;
}

int prefork_spawn(const struct prefork_spawn_request *request, pid_t *pid, struct prefork_spawn_failure *failure) {
  int needs_launcher = request->cgroup_procs >= 0 || request->limit_count || request->nice_increment
                       || request->changes_user || request->dies_with_thread;
  return needs_launcher ? spawn_by_launcher(request, pid, failure) : spawn_plain(request, pid, failure);
}
