import CLinux
import Glibc

/// How many CPUs the scheduler lets this process run on: its affinity (taskset(1)), which is never wider than its
/// cpuset. At least 1; the CPUs that are online, if the kernel does not answer.
public func affinityCount() -> Int {
  let count = Int(prefork_affinity_count())
  return max(1, count > 0 ? count : sysconf(CInt(_SC_NPROCESSORS_ONLN)))
}
