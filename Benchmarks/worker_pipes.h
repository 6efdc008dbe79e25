// The pipes to and from a worker that is about to be started, and what the start does with its ends of them.
#ifndef WORKER_PIPES_H
#define WORKER_PIPES_H
#include <fcntl.h>
#include <spawn.h>
#include "buffer.h"

static inline void make_worker_pipes(int to[2], int from[2], posix_spawn_file_actions_t *actions) {
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) die("pipe2");
  posix_spawn_file_actions_init(actions);
  posix_spawn_file_actions_adddup2(actions, to[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(actions, from[1], STDOUT_FILENO);
}

#endif
