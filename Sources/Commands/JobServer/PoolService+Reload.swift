import EventLoop
import JobEngine
import LinuxIO

/// A new configuration for a pool that serves.
extension PoolService {
  /// Serves like this from now on, and replaces its workers. Sockets that are wanted were added before; those that are
  /// not are closed, and connected clients stay. Sizes that an operator has set stay unless the new configuration has
  /// others than the old one.
  mutating func reconfigure(_ new: ServedPool, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    let old = configuration
    configuration = new
    configuration.pool.number = UInt8(number)
    closeUnwanted(&loop, &reporter)
    var pool = configuration.pool
    if (pool.pool.minimum, pool.pool.maximum) == (old.pool.pool.minimum, old.pool.pool.maximum) {
      (pool.pool.minimum, pool.pool.maximum) = (engine.pool.size.lowerBound, engine.pool.size.upperBound)
    }
    engine.reconfigure(pool, configuration.ledger, &loop)
    lookForIdle(loop)
    // Connections that were held back by the old limits may go on.
    releasesAll = true
  }

  private mutating func closeUnwanted(_ loop: inout EventLoop, _ reporter: inout Reporter) {
    var wanted = configuration.listens
    for (index, address) in listens.sorted(by: { $0.key < $1.key }) {
      if let place = wanted.firstIndex(of: address) {
        wanted.remove(at: place)
        continue
      }
      reporter.note("no longer listening on \(listeners[index].address)")
      _ = giveAway(index, &loop)
    }
  }

  /// Takes out a listening socket, which is no longer watched.
  mutating func giveAway(_ index: Int, _ loop: inout EventLoop) -> ListeningSocket {
    if !listenersAreSuspended { loop.remove(listeners[index].descriptor) }
    listens[index] = nil
    return listeners.take(index)
  }

  /// A listening socket was added while the pool serves.
  func watchNewListener(_ index: Int, _ loop: inout EventLoop, _ reporter: inout Reporter) {
    reporter.note("listening on \(listeners[index].address)")
    // With all others, as soon as there are descriptors again.
    if listenersAreSuspended { return }
    do {
      try watchListener(index, &loop)
    } catch {
      reporter.fatal("cannot watch \(listeners[index].address): \(error)")
    }
  }
}
