import DaemonThreads
import LinuxIO
import Synchronization

/// A new configuration, and all that had to be looked up for it.
struct PreparedReload: Sendable {
  let reloading: Reloading
  let resolution: Resolution

  /// Blocks for as long as files, the user database and name servers take.
  init(_ reload: () -> Reloading) {
    reloading = reload()
    switch reloading {
    case .configuration(let configuration): resolution = Resolution(of: configuration.pools.flatMap(\.listens))
    case .unusable: resolution = Resolution(of: [])
    }
  }
}

/// Where a thread that reads the new configuration leaves it for the loop, which never waits for a file or a name.
final class ReloadInbox: Sendable {
  private let prepared = Mutex<PreparedReload?>(nil)
  private let wakeup: Wakeup

  init() throws(SystemError) { wakeup = try Wakeup() }

  /// To be watched for reading: readable when a result is there.
  var descriptor: CInt { wakeup.descriptor }

  /// Begins to prepare, one at a time. Without a thread it is done at once.
  func begin(_ reload: @escaping @Sendable () -> Reloading) {
    let work: @Sendable () -> Void = { self.put(PreparedReload(reload)) }
    if !DaemonThread.start(work) { work() }
  }

  private func put(_ new: PreparedReload) {
    prepared.withLock { $0 = new }
    wakeup.ring()
  }

  /// What was prepared; nil if nothing was.
  func take() -> PreparedReload? {
    wakeup.clear()
    return prepared.withLock { $0.take() }
  }
}

/// Whether the configuration is being read, and which clients of control wait for the end of that.
struct ReloadState {
  /// A client that asked, by session and its generation.
  struct Asker { let session: Int, generation: UInt32 }

  var isPreparing = false
  /// Another request came after the file was opened: it is read once more.
  var isWantedAgain = false
  var askers: [Asker] = []
  var nextAskers: [Asker] = []
}
