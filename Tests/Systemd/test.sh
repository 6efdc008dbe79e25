#!/bin/bash
# test.sh PREFORK: boots a real systemd in isolation with the shipped units and PREFORK installed, and plays story.py in it.
# Where that cannot be done it says why, and is skipped.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin
prefork=$1
here=$(cd "$(dirname "$0")" && pwd)
skip() {
  echo "WARNING: the units are NOT TESTED under a real systemd: $1" >&2
  exit 0
}
[ "$(id -u)" = 0 ] || skip "that takes root"
for program in unshare nsenter setpriv systemctl systemd-analyze journalctl pgrep /lib/systemd/systemd /usr/bin/python3; do
  command -v "$program" > /dev/null || skip "there is no $program"
done
cgroups=
for folder in /sys/fs/cgroup /sys/fs/cgroup/unified; do
  if [ "$(stat -f -c %T $folder 2> /dev/null)" = cgroup2fs ]; then cgroups=$folder; fi
done
[ -n "$cgroups" ] || skip "cgroup2 is not mounted"
cgroup=$cgroups/prefork-test.$$
mkdir "$cgroup" 2> /dev/null && rmdir "$cgroup" || skip "control groups cannot be made in $cgroups"
unshare --mount --pid --fork --cgroup --uts --ipc --net true 2> /dev/null || skip "namespaces cannot be made"

work=$(mktemp -d)
outer=
finish() {
  if [ -n "$outer" ]; then kill -KILL "$outer" 2> /dev/null && wait "$outer" 2> /dev/null || true; fi
  for _ in $(seq 300); do
    find "$cgroup" -depth -type d -exec rmdir {} \; 2> /dev/null || true
    [ -d "$cgroup" ] || break
    sleep 0.1
  done
  rm -rf "$work"
}
trap finish EXIT

mkdir -p "$work/root" "$work/stage/usr/local/bin" "$work/stage/usr/local/lib" "$work/stage/run/test"
make -s -C "$here/../.." install-units DESTDIR="$work/stage" PREFIX=/usr/local
cp "$prefork" "$work/stage/usr/local/bin/prefork"
# A build for tests takes Swift's libraries from where the toolchain is, which the unit may not see.
ldd "$prefork" | awk '/swift|dispatch|BlocksRuntime/ { print $3 }' | xargs -r cp -t "$work/stage/usr/local/lib"
cp -r "$here/units" "$here/story.py" "$work/stage/run/test"

units=/run/test/units:/run/systemd/system:/usr/local/lib/systemd/system
"$here/isolated.sh" "$work" "$cgroup" env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin container=prefork-test \
  SYSTEMD_UNIT_PATH=$units SYSTEMD_LOG_TARGET=journal-or-kmsg /lib/systemd/systemd --system --unit=prefork-test.target --show-status=no \
  < /dev/null > "$work/console" 2>&1 &
outer=$!
inside() {
  nsenter -t "$first" -m -u -i -n -p -C -- env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_PAGER= \
    SYSTEMD_COLORS=0 SYSTEMD_UNIT_PATH=$units "$@"
}
first=
for _ in $(seq 1200); do
  first=$(pgrep -P "$outer" | head -n 1) || true
  if [ -n "$first" ] && [ "$(cat "/proc/$first/comm" 2> /dev/null)" = systemd ] \
    && inside systemctl is-active -q systemd-journald.service 2> /dev/null; then break; fi
  kill -0 "$outer" 2> /dev/null || { cat "$work/console" >&2; exit 99; }
  sleep 0.05
done
status=0
inside timeout 600 python3 /run/test/story.py || status=$?
[ $status = 0 ] || tail -n 40 "$work/console" >&2
exit $status
