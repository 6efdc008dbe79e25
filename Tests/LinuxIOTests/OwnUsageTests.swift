import Glibc
import TestSupport
import Testing
import Time

@testable import LinuxIO

@Suite struct OwnUsageTests {
  @Test("memory that is held and time that is spent are told")
  func usage() {
    let before = OwnUsage()
    let block = [UInt8](repeating: 1, count: 64_000_000)
    let after = OwnUsage()
    #expect(after.cpuTime > before.cpuTime)
    #expect(after.residentBytes > block.count)
    #expect(after.openDescriptors.map { $0 > 2 && $0 < after.mostDescriptors } ?? true)
  }

  @Test("code is unmapped, and mapped again when it is used")
  func code() throws {
    let before = try #require(mappedOfFiles)
    unmapCode()
    let after = try #require(mappedOfFiles)
    #expect(after < before - 1_000_000, "\(before) and then \(after) bytes")
  }

  /// Resident memory that belongs to files, in bytes.
  private var mappedOfFiles: Int? {
    guard let file = fopen("/proc/self/status", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, CInt(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("RssFile:") { return Int(text.filter(\.isNumber)).map { $0 * 1024 } }
    }
    return nil
  }

  @Test("this process began before now, and not before the machine")
  func began() {
    var (now, sinceBoot) = (timespec(), timespec())
    clock_gettime(CLOCK_REALTIME, &now)
    clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
    let seconds = Int(OwnUsage.began.sinceOrigin.wholeSeconds)
    #expect(seconds <= now.tv_sec && seconds >= now.tv_sec - sinceBoot.tv_sec - 1)
  }

  @Test(
    "when it began is reckoned on clocks that contradict each other: nothing traps, and nothing is in the future",
    arguments: [
      // Wall clock, time since boot and expected beginning in seconds; the process began 100 s after the boot.
      (2000, 150, 1950), (2000, 100, 2000), (30, 150, 0), (0, 150, 0), (2000, 50, 2000),
      (1_800_000_000, 2_000_000_000, 0), (5, 0, 5),
    ] as [(UInt64, UInt64, UInt64)])
  func contradictingClocks(wall: UInt64, sinceBoot: UInt64, began: UInt64) {
    let found = OwnUsage.began(
      wall: .origin + .seconds(wall), sinceBoot: .seconds(sinceBoot), ticks: 10_000, ticksPerSecond: 100)
    #expect(found == .origin + .seconds(began))
  }

  @Test("a clock at either end of time breaks nothing")
  func endsOfTime() {
    for values in [[UInt64.max, 0, 0, 100], [0, .max, .max, 0], [.max, .max, .max, 1], [0, 0, 0, 0]] {
      let began = OwnUsage.began(
        wall: Instant(nanoseconds: values[0]), sinceBoot: Nanoseconds(values[1]), ticks: values[2],
        ticksPerSecond: values[3])
      #expect(began <= Instant(nanoseconds: values[0]))
    }
    #expect(instant(timespec(tv_sec: -5, tv_nsec: 3)) == 3)
    #expect(instant(timespec(tv_sec: 2, tv_nsec: 3)) == 2_000_000_003)
  }
}
