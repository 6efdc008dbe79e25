// What passes between a process that starts a worker and the launcher, which is the same executable once more.
#pragma once
#include "CLinuxSpawn.h"

/// The launcher's argv[0], and its only argument.
#define PREFORK_LAUNCHER_NAME "prefork-launcher"
#define PREFORK_LAUNCHER_MODE "--serve-request-on-descriptor-3"

/// The launcher's descriptors: 0, 1 and 2 are already the worker's.
enum { prefork_launcher_socket = 3, prefork_launcher_cgroup = 4 };

/// What stands at the beginning of a request; the layout never leaves this executable.
struct prefork_launch_header {
  uint64_t magic;
  uint32_t limit_count, group_count, argument_count, variable_count;
  uint64_t text_size;
  int32_t enters_cgroup, nice_increment, changes_user, dies_with_thread, has_directory;
  uint32_t uid, gid;
};

static const uint64_t prefork_launch_magic = UINT64_C(0x70726566726b0001);

// After the header come the limits, the groups and the text: program, directory (empty for none), arguments and
// variables, each ended by a NUL.
//
// The launcher answers with a prefork_spawn_failure whose code is 0 immediately before it executes the worker, and with
// another one if a step fails. Executing closes its end of the socket.
