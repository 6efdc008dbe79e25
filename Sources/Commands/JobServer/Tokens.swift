import JobCore

/// Descriptors of the server in the loop: kind, pool, place, and part of the generation, so that an event of a
/// connection that is closed cannot reach its successor. The pools' own tokens have kinds below 16.
struct ServerToken {
  enum Kind: UInt64 {
    case errorOutput = 0x20
    case jobListener = 0x21
    case connection = 0x22
    case controlListener = 0x23
    case control = 0x24
    case metrics = 0x25
    case refused = 0x26
    case reload = 0x27
  }

  let kind: Kind
  let pool: Int
  let index: Int
  let generation: UInt32

  private static let mask: UInt64 = 0xFF_FFFF

  init(_ kind: Kind, pool: Int = 0, index: Int = 0, generation: UInt32 = 0) {
    self.kind = kind
    self.pool = pool
    self.index = index
    self.generation = generation & UInt32(Self.mask)
  }

  /// Nil for a token of a pool.
  init?(_ token: UInt64) {
    guard let kind = Kind(rawValue: token >> 56) else { return nil }
    self.kind = kind
    pool = Int(token >> 48 & 0xFF)
    index = Int(token >> 24 & Self.mask)
    generation = UInt32(token & Self.mask)
  }

  var rawValue: UInt64 {
    kind.rawValue << 56 | UInt64(pool) << 48 | UInt64(index) << 24 | UInt64(generation)
  }

  /// Whether it is about this client.
  func isAbout(_ client: ClientID) -> Bool { client.generation & UInt32(Self.mask) == generation }
}
