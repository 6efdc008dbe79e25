import LinuxIO

/// The seam for simulations: a pool whose configuration has a starter runs no processes. It gets real pipes, at whose
/// other ends the simulation reads jobs and writes replies as it likes.
package protocol SimulatedStarter: AnyObject, Sendable {
  /// Starts the worker with this serial number in this slot, or fails as `WorkerLaunch.start` does.
  func start(slot: Int, serial: UInt64) throws(SpawnError) -> WorkerProcess
}

/// What stands where a process would be.
package protocol SimulatedProcess: AnyObject, Sendable {
  /// A number that no process of the machine has.
  var pid: CInt { get }
  /// How it ended; nil while it lives.
  var status: ExitStatus? { get }
  /// It sleeps in a read of its stdin, with one thread: what /proc says of a process.
  var waitsForInput: Bool { get }
  /// A signal to its process group.
  func receive(_ signal: CInt)
}

extension WorkerProcess {
  /// A worker without a process. `exitDescriptor` becomes readable when it ends; our ends of the pipes do not block.
  package init(
    _ simulated: any SimulatedProcess, exitDescriptor: consuming FileDescriptor, input: consuming FileDescriptor,
    output: consuming FileDescriptor, errorOutput: consuming FileDescriptor?
  ) {
    self.init(
      pid: simulated.pid, exitDescriptor: exitDescriptor, input: input, output: output, errorOutput: errorOutput,
      guardEntry: nil, simulated: simulated)
  }
}
