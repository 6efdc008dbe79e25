import Glibc
import LinuxIO
import Testing

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

  @Test("this process began before now, and not before the machine")
  func began() {
    var (now, sinceBoot) = (timespec(), timespec())
    clock_gettime(CLOCK_REALTIME, &now)
    clock_gettime(CLOCK_BOOTTIME, &sinceBoot)
    let seconds = Int(OwnUsage.began / 1_000_000_000)
    #expect(seconds <= now.tv_sec && seconds >= now.tv_sec - sinceBoot.tv_sec - 1)
  }
}
