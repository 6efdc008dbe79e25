import LinuxIO

/// The seam for simulations: a pool that has a starter in its configuration runs no processes. It gets real pipes, and
/// at their other ends the simulation reads jobs and writes replies.
package protocol SimulatedStarter: AnyObject, Sendable {
  /// Starts the worker with this serial number in this slot, or fails as `WorkerLaunch.start` does.
  func start(slot: Int, serial: UInt64) throws(SpawnError) -> WorkerProcess
}

/// A stand-in for a process.
package protocol SimulatedProcess: AnyObject, Sendable {
  /// A number that no process of the machine has.
  var pid: CInt { get }
  /// How it ended; nil while it lives.
  var status: ExitStatus? { get }
  /// Whether it sleeps in a read of its stdin, with one thread, as /proc shows it for a process.
  var waitsForInput: Bool { get }
  /// Receives a signal to its process group.
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
