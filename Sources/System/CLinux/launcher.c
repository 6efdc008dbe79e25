// The launcher: this executable, started by posix_spawn(3) once more, does in the new process what posix_spawn has no
// attribute for, and then executes the worker. A constructor takes this mode before the Swift runtime is used. (runc
// starts its containers in the same way.) So all that happens here happens in an ordinary process with one thread and
// memory of its own: nothing of the process that asks is shared with it.
#define _GNU_SOURCE
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

// A request is refused above these: more than the kernel would execute, and more than it has of either.
enum { most_text = 64 << 20, most_strings = 4 << 20, most_limits = 64, most_groups = 65536 };

/// The request as the launcher holds it.
struct launch {
  struct prefork_launch_header header;
  const struct prefork_limit *limits;
  const gid_t *groups;
  const char *program, *directory;
  char **arguments, **variables;
};

static _Noreturn void refuse(const char *reason) {
  dprintf(2, "%s: %s\n", PREFORK_LAUNCHER_NAME, reason);
  _exit(126);
}

static void report(enum prefork_spawn_step step, int limit, int code) {
  struct prefork_spawn_failure failure = {.step = (int)step, .limit = limit, .code = code};
  // A requester that does not read it is dead.
  send(prefork_launcher_socket, &failure, sizeof failure, MSG_NOSIGNAL);
}

static _Noreturn void fail(enum prefork_spawn_step step, int limit) {
  report(step, limit, errno ? errno : EIO);
  _exit(126);
}

static void receive(void *to, size_t size) {
  for (char *next = to; size > 0;) {
    ssize_t count = recv(prefork_launcher_socket, next, size, MSG_WAITALL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) refuse("the request is incomplete");
    next += count;
    size -= (size_t)count;
  }
}

/// Only our own parent may ask: it made the socket, and this process.
static void check_client(void) {
  struct ucred client;
  socklen_t size = sizeof client;
  if (getsockopt(prefork_launcher_socket, SOL_SOCKET, SO_PEERCRED, &client, &size) < 0 || client.pid != getppid())
    refuse("this mode is only for the program that starts workers, not for you");
}

/// A string of the text, which must not go beyond its end.
static char *next_string(char **text, const char *end) {
  char *string = *text;
  char *terminator = memchr(string, 0, (size_t)(end - string));
  if (!terminator) refuse("the request is malformed");
  *text = terminator + 1;
  return string;
}

static char **next_strings(uint32_t count, char **text, const char *end) {
  char **strings = calloc((size_t)count + 1, sizeof *strings);
  if (!strings) fail(prefork_step_launcher, 0);
  for (uint32_t i = 0; i < count; i++) strings[i] = next_string(text, end);
  return strings;
}

static struct launch receive_request(void) {
  struct launch launch;
  struct prefork_launch_header *header = &launch.header;
  receive(header, sizeof *header);
  if (header->magic != prefork_launch_magic || header->limit_count > most_limits || header->group_count > most_groups
      || header->argument_count > most_strings || header->variable_count > most_strings
      || header->text_size > most_text)
    refuse("the request is malformed");
  size_t limits_size = header->limit_count * sizeof *launch.limits;
  size_t groups_size = header->group_count * sizeof *launch.groups;
  size_t size = limits_size + groups_size + header->text_size;
  char *body = malloc(size + 1);
  if (!body) fail(prefork_step_launcher, 0);
  receive(body, size);
  launch.limits = (const struct prefork_limit *)body;
  launch.groups = (const gid_t *)(body + limits_size);
  char *text = body + limits_size + groups_size;
  const char *end = body + size;
  launch.program = next_string(&text, end);
  launch.directory = next_string(&text, end);
  launch.arguments = next_strings(header->argument_count, &text, end);
  launch.variables = next_strings(header->variable_count, &text, end);
  if (text != end) refuse("the request is malformed");
  return launch;
}

static int add_niceness(int increment) {
  errno = 0; // -1 is a possible result
  int current = getpriority(PRIO_PROCESS, 0);
  if (current == -1 && errno) return -1;
  return setpriority(PRIO_PROCESS, 0, current + increment);
}

static int become_user(const struct launch *launch) {
  gid_t gid = launch->header.gid;
  uid_t uid = launch->header.uid;
  if (setgroups(launch->header.group_count, launch->groups)) return -1;
  if (setresgid(gid, gid, gid)) return -1;
  if (setresuid(uid, uid, uid)) return -1;
  // The kernel drops capabilities when root changes its user, but keeps these when another user does.
  // (Before Linux 4.3 there are none.)
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return 0;
}

/// As posix_spawnp(3): the first that can be executed; a file without a #! line is an error, not a script for sh as it
/// is for execvpe(3).
static void execute(const struct launch *launch) {
  const char *program = launch->program;
  size_t length = strlen(program);
  if (length == 0 || strchr(program, '/')) {
    execve(program, launch->arguments, launch->variables); // ENOENT for the empty name
    return;
  }
  const char *path = getenv("PATH");
  int denied = 0;
  char candidate[PATH_MAX];
  errno = ENOENT;
  for (const char *folder = path ? path : "/bin:/usr/bin", *next; folder; folder = next) {
    size_t folder_length = strcspn(folder, ":");
    next = folder[folder_length] ? folder + folder_length + 1 : NULL;
    if (folder_length + length + 2 > sizeof candidate) continue; // no such file can exist
    memcpy(candidate, folder, folder_length);
    // No folder means the present one.
    if (folder_length) candidate[folder_length++] = '/';
    memcpy(candidate + folder_length, program, length + 1);
    execve(candidate, launch->arguments, launch->variables);
    if (errno == EACCES) denied = 1;
    else if (errno != ENOENT && errno != ENOTDIR && errno != ENODEV && errno != ESTALE && errno != ETIMEDOUT) return;
  }
  if (denied) errno = EACCES;
}

/// SIGKILL when the thread that started us ends, or never.
static void set_death_signal(int signal, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0);
  // It covers only a later death: our parent may be dead already.
  if (signal && getppid() != parent) kill(getpid(), SIGKILL);
}

static _Noreturn void serve(void) {
  if (fcntl(prefork_launcher_socket, F_SETFD, FD_CLOEXEC)) refuse("there is no request");
  pid_t parent = getppid();
  check_client();
  // A launcher whose parent is gone must not start a worker.
  set_death_signal(SIGKILL, parent);
  struct launch launch = receive_request();
  const struct prefork_launch_header *header = &launch.header;
  if (header->enters_cgroup) {
    if (write(prefork_launcher_cgroup, "0", 1) != 1) fail(prefork_step_cgroup, 0);
    close(prefork_launcher_cgroup);
  }
  // Before the change of user: the new one may not raise them.
  for (uint32_t i = 0; i < header->limit_count; i++) {
    struct rlimit limit = {.rlim_cur = launch.limits[i].soft, .rlim_max = launch.limits[i].hard};
    if (setrlimit(launch.limits[i].resource, &limit)) fail(prefork_step_limit, (int)i);
  }
  if (header->nice_increment && add_niceness(header->nice_increment)) fail(prefork_step_niceness, 0);
  if (header->changes_user && become_user(&launch)) fail(prefork_step_user, 0);
  // After the change of user, which clears it.
  set_death_signal(header->dies_with_thread ? SIGKILL : 0, parent);
  // As the new user, which must be able to enter it.
  if (header->has_directory && chdir(launch.directory)) fail(prefork_step_directory, 0);
  report(prefork_step_exec, 0, 0);
  execute(&launch);
  fail(prefork_step_exec, 0);
}

static int is_constructed;

/// Before all other constructors of the executable, such as those of the Swift runtime.
__attribute__((constructor(101))) static void take_launcher_mode(int argc, char **argv) {
  is_constructed = 1;
  if (argc == 2 && strcmp(argv[0], PREFORK_LAUNCHER_NAME) == 0 && strcmp(argv[1], PREFORK_LAUNCHER_MODE) == 0) serve();
}

/// The main program comes first; ends the iteration at once.
static int holds_this_code(struct dl_phdr_info *program, size_t size, void *unused) {
  (void)size, (void)unused;
  uintptr_t address = (uintptr_t)take_launcher_mode;
  for (int i = 0; i < program->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
    uintptr_t begin = program->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && address >= begin && address - begin < segment->p_memsz) return 1;
  }
  return -1;
}

// Where this code came with a library that was loaded later, the executable knows nothing of this mode.
int prefork_has_launcher(void) { return is_constructed && dl_iterate_phdr(holds_this_code, NULL) == 1; }
