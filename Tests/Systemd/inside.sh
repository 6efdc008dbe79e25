#!/bin/bash
# The inner half of isolated.sh: builds the root of the namespaces that it was started in, moves there, checks, and becomes PROGRAM.
set -euo pipefail
refuse() {
  echo "isolated.sh: NOT ISOLATED: $1" >&2
  exit 99
}
# Before anything is mounted: are these namespaces of our own?
[ $$ = 1 ] || refuse "this is not process 1 of a namespace"
for kind in mnt pid net uts ipc cgroup; do
  host=HOST_$kind
  # Not /proc/1: that is still the machine's.
  own=$(readlink "/proc/self/ns/$kind") || refuse "the $kind namespace cannot be seen"
  [ -n "${!host:-}" ] || refuse "nobody has told the $kind namespace of the machine"
  [ "$own" != "${!host}" ] || refuse "the $kind namespace is the machine's"
done

quiet() { mount -n "$@"; }
quiet -t tmpfs -o mode=755 tmpfs "$WORK/root"
mkdir "$WORK/root/upper" "$WORK/root/work" "$WORK/root/root"
quiet -t overlay -o "lowerdir=/,upperdir=$WORK/root/upper,workdir=$WORK/root/work" overlay "$WORK/root/root"
new=$WORK/root/root
quiet -t proc proc "$new/proc"
quiet -t sysfs -o ro sysfs "$new/sys"
quiet -t cgroup2 cgroup2 "$new/sys/fs/cgroup"
for folder in dev run tmp var; do quiet -t tmpfs -o mode=755 tmpfs "$new/$folder"; done
mkdir -p "$new"/var/{tmp,log,lib,cache} "$new"/dev/{pts,shm}
chmod 1777 "$new/tmp" "$new/var/tmp" "$new/dev/shm"
ln -s /run "$new/var/run"
device() { mknod -m 666 "$new/dev/$1" c "$2" "$3"; }
device null 1 3; device zero 1 5; device full 1 7; device random 1 8; device urandom 1 9; device tty 5 0
quiet -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$new/dev/pts"
ln -s pts/ptmx "$new/dev/ptmx"
ln -s /proc/self/fd "$new/dev/fd"
# The kernel's own knobs are not ours to turn.
quiet --bind "$new/proc/sys" "$new/proc/sys"
quiet -o remount,bind,ro "$new/proc/sys"
for knob in sysrq-trigger kcore kmsg; do
  if [ -e "$new/proc/$knob" ]; then quiet --bind "$new/dev/null" "$new/proc/$knob"; fi
done
tar -C "$WORK/stage" -cf - . | tar -C "$new" --no-same-owner -xf -
mkdir "$new/run/machine"
cd "$new"
pivot_root . run/machine
cd /
umount -n -l /run/machine
rmdir /run/machine
hostname prefork-test

[ "$(stat -f -c %T /)" = overlayfs ] || refuse "/ is not the overlay"
for folder in /run /tmp /var /dev; do [ "$(stat -f -c %T $folder)" = tmpfs ] || refuse "$folder is the machine's"; done
if awk '{ for (i = 7; i <= NF; i++) if ($i == "-") print $(i + 1) }' /proc/self/mountinfo \
  | grep -qvxE 'overlay|tmpfs|proc|sysfs|cgroup2|devpts'; then
  refuse "a file system of the machine is still mounted"
fi
grep -qx 0::/ /proc/self/cgroup || refuse "the control group is the machine's"
drop=-sys_module,-sys_rawio,-sys_time,-sys_boot,-mknod
exec setpriv --bounding-set "$drop" --inh-caps "$drop" -- "$@"
