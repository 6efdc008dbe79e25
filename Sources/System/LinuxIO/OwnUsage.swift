import CLinux
import Glibc
import Time

/// From now on a block of memory of half a MiB and more goes back to the kernel when it is freed. By itself the
/// allocator learns from the first such block to keep those that come: a process that had a large job once would stay
/// large for ever.
public func returnLargeBlocks() { prefork_return_large_blocks(512 * 1024) }

/// Unmaps the code and the constants of this program and its libraries. What is used again is mapped again, from the
/// kernel's cache: about 50 µs in all. Most of it was needed only to start, and counts as resident memory until then.
/// Pages that a debugger has written to stay.
public func unmapCode() { prefork_unmap_code() }

/// What this process takes, without its children.
public struct OwnUsage: Sendable {
  /// CPU time of all its threads so far.
  public let cpuTime: Nanoseconds
  /// Resident memory, in bytes; 0 if /proc is not mounted.
  public let residentBytes: Int
  /// Open descriptors; nil if the kernel does not report their number without a list of them (before Linux 6.2).
  public let openDescriptors: Int?
  /// The most descriptors that may be open (RLIMIT_NOFILE).
  public let mostDescriptors: Int

  /// Now.
  public init() {
    cpuTime = Self.time(CLOCK_PROCESS_CPUTIME_ID).sinceOrigin
    residentBytes =
      Self.numbers(in: "/proc/self/statm").dropFirst().first.map { $0 * Int(sysconf(CInt(_SC_PAGESIZE))) } ?? 0
    var information = stat()
    openDescriptors =
      stat("/proc/self/fd", &information) == 0 && information.st_size > 0 ? Int(information.st_size) : nil
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    mostDescriptors = Int(clamping: limit.rlim_cur)
  }

  /// When this process began, on the wall clock (since 1970), to 10 ms; now, if /proc is not mounted. Read once: a
  /// clock that is set afterwards does not move it.
  public static let began: Instant = {
    let wall = time(CLOCK_REALTIME)
    // The name, which is second and may hold anything, is not a number; the time is field 22 (proc(5)).
    let fields = numbers(in: "/proc/self/stat", behind: UInt8(ascii: ")"))
    guard fields.count > 19 else { return wall }
    return began(
      wall: wall, sinceBoot: time(CLOCK_BOOTTIME).sinceOrigin, ticks: UInt64(clamping: fields[19]),
      ticksPerSecond: UInt64(clamping: sysconf(CInt(_SC_CLK_TCK))))
  }()

  /// When a process that was started this many ticks after the boot began, on the wall clock. Nothing keeps that clock
  /// from being before the boot, or before 1970: then it is its origin.
  static func began(wall: Instant, sinceBoot: Nanoseconds, ticks: UInt64, ticksPerSecond: UInt64) -> Instant {
    let start = Nanoseconds.seconds(1) / ticksPerSecond * ticks
    // A process cannot have begun in the future.
    return wall - (sinceBoot - start)
  }

  private static func time(_ clock: clockid_t) -> Instant {
    var now = timespec()
    clock_gettime(clock, &now)
    return instant(now)
  }

  /// The words of a small file, as numbers; what is none is 0. From behind the last `mark`, if one is given.
  private static func numbers(in path: String, behind mark: UInt8? = nil) -> [Int] {
    guard let file = try? FileDescriptor.open(path, flags: O_RDONLY) else { return [] }
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      guard case .bytes(let count) = readOnce(file.rawValue, buffer) else { return [] }
      let text = buffer[..<count]
      let begin = mark.flatMap { text.lastIndex(of: $0) }.map { $0 + 1 } ?? 0
      return text[begin...].split(separator: UInt8(ascii: " ")).map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
    }
  }
}
