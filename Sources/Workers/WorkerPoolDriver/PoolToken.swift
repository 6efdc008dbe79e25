import PoolCore

/// Which descriptor of which worker of which pool became ready, packed into the 64 bits that epoll gives back: kind,
/// pool, slot, and the lower half of the serial, so that an event of a worker that is gone cannot reach its successor.
struct PoolToken {
  enum Kind: UInt64 {
    case input = 1
    case output = 2
    case errorOutput = 3
    case exit = 4
    case notification = 5
  }

  let kind: Kind
  let pool: UInt8
  let slot: Int
  let serial: UInt32

  init(_ kind: Kind, _ worker: WorkerID, pool: UInt8) {
    self.kind = kind
    self.pool = pool
    slot = worker.slot.index
    serial = UInt32(truncatingIfNeeded: worker.serial)
  }

  /// Nil for a token that is not the pool's: those have a kind of 16 or more.
  init?(_ token: UInt64) {
    guard let kind = Kind(rawValue: token >> 56) else { return nil }
    self.kind = kind
    pool = UInt8(truncatingIfNeeded: token >> 48)
    slot = Int(token >> 32 & 0xFFFF)
    serial = UInt32(truncatingIfNeeded: token)
  }

  var rawValue: UInt64 { kind.rawValue << 56 | UInt64(pool) << 48 | UInt64(slot) << 32 | UInt64(serial) }
}
