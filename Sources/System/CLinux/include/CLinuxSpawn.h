// Starting a program in surroundings of our choice.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// One limit of setrlimit(2).
struct prefork_limit {
  int resource;
  uint64_t soft, hard;
};

/// What to start, and in which surroundings.
struct prefork_spawn_request {
  const char *program; // looked for in our own PATH if it has no slash, as posix_spawnp(3) does
  char *const *argv;   // null-terminated, like envp
  char *const *envp;
  int in, out, err;      // become its descriptors 0, 1 and 2; it gets no other
  const char *directory; // NULL: ours
  // What follows needs the launcher.
  int cgroup_procs; // a cgroup.procs, open for writing, or -1
  const struct prefork_limit *limits;
  size_t limit_count;
  int nice_increment; // added to our niceness; 0 for none
  int changes_user;   // whether the next four count
  uid_t uid;
  gid_t gid;
  const gid_t *groups; // supplementary ones
  size_t group_count;
  int dies_with_thread; // SIGKILL for it as soon as the thread that started it ends, with us or without (PDEATHSIG)
};

/// What a spawn was doing when it failed, in the order in which it is done.
enum prefork_spawn_step {
  prefork_step_start,    // another process in a process group of its own
  prefork_step_launcher, // running this executable once more, as the launcher
  prefork_step_descriptors,
  prefork_step_cgroup,
  prefork_step_limit,
  prefork_step_niceness,
  prefork_step_user,
  prefork_step_directory,
  prefork_step_exec,
};

struct prefork_spawn_failure {
  int step;  // of enum prefork_spawn_step
  int limit; // which of the limits, at prefork_step_limit
  int code;  // errno
};

/// Starts a program that leads its own process group, with an empty signal mask and all signals at their default.
/// 0 as soon as it runs; -1 when it could not be started, and then nothing is left of it.
///
/// At prefork_step_launcher, EOPNOTSUPP means that this code is not part of the main executable, so that there is no
/// launcher; ENOENT, that /proc is not mounted; ECHILD, that the launcher died.
int prefork_spawn(const struct prefork_spawn_request *request, pid_t *pid, struct prefork_spawn_failure *failure);

/// Whether a spawn can use the launcher.
int prefork_has_launcher(void);
