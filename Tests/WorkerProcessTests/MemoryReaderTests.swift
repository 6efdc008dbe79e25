import Glibc
import LinuxIO
import TestSupport
import Testing
import Time

@testable import WorkerProcess

/// The memory of a worker's whole process tree.
@Suite struct MemoryReaderTests {
  /// A worker whose grandchild takes 50 MB when it reads a line.
  static let withHungryGrandchild = """
    sh -c 'python3 -c "
    import sys
    print(1, flush=True)
    sys.stdin.readline()
    taken = b\\"x\\" * 50_000_000
    print(2, flush=True)
    sys.stdin.readline()
    "; :'; :
    """

  @Test("what a grandchild allocates is counted")
  func grandchild() throws {
    var worker = try start(Self.withHungryGrandchild)
    let reader = try MemoryReader(pid: worker.pid)
    #expect(output(of: worker.output, until: "1\n") != nil)
    let before = reader.residentBytes() ?? 0
    #expect(before > 5_000_000, "two shells and a Python")
    #expect(before < 50_000_000)
    #expect(write(worker.input, "\n", 1) == 1)
    #expect(output(of: worker.output, until: "2\n") != nil)
    let after = reader.residentBytes() ?? 0
    #expect((50_000_000..<60_000_000).contains(after - before))
    worker.closeInput()
    #expect(end(of: &worker) != nil)
  }

  @Test("a dead worker holds no memory, and its number is not taken for another's")
  func dead() throws {
    var worker = try start("exec sleep 60")
    let reader = try MemoryReader(pid: worker.pid)
    #expect(reader.residentBytes() ?? 0 > 0)
    worker.signalGroup(SIGKILL)
    #expect(eventually { ChildProcess.end(of: worker.pid, peek: true) != nil })
    #expect(reader.residentBytes() == nil, "a zombie")
    #expect(end(of: &worker) != nil)
    #expect(reader.residentBytes() == nil, "reaped")
    #expect(throws: SystemError("open /proc/\(worker.pid)/statm", ENOENT)) { _ = try MemoryReader(pid: worker.pid) }
  }

  @Test("whether descendants are counted is told")
  func coverage() {
    let isThere = access("/proc/self/task/\(getpid())/children", R_OK) == 0
    #expect((MemoryReader.descendants == .enforced) == isThere)
  }
}
