#!/bin/bash
# isolated.sh WORK CGROUP PROGRAM [ARGUMENT...]: runs PROGRAM as process 1 of a machine that only looks like this one.
#
# Its / is an overlay: this machine's files below, read-only, and a tmpfs above that takes every change and is gone at the end. /dev, /run,
# /tmp, /var are empty ones of its own; processes, control groups, network and host name, too. WORK/stage is copied over /; WORK/root, an
# empty folder, is where the root is built. CGROUP is made; the caller removes it afterwards.
#
# systemd as the system's manager empties /tmp, mounts, and takes over the control groups: outside of this it would do so to the
# real machine. So what was isolated is checked from the inside before PROGRAM is started, and every check that fails ends it with 99.
# It guards against accidents, not against malice. Needs root, util-linux and cgroup2.
set -euo pipefail
export WORK=$1
cgroup=$2
shift 2
mkdir "$cgroup"
echo $$ > "$cgroup/cgroup.procs"
for kind in mnt pid net uts ipc cgroup; do export "HOST_$kind=$(readlink "/proc/self/ns/$kind")"; done
exec unshare --mount --pid --fork --cgroup --uts --ipc --net --kill-child=KILL --propagation private \
  bash "$(dirname "$0")/inside.sh" "$@"
