/// BLAKE2b (RFC 7693), unkeyed, of a message that is in memory as a whole. The digest is the first `digestLength` bytes
/// (1...64) of the result, whose words are little-endian.
///
/// Two different messages with one digest cannot be found with less than 2^(4 × digestLength) tries, even by an
/// attacker that chooses both: this is what the fast hashes of hash tables do not give, nor SipHash once its key is
/// known. Of the hashes that do, this one needs a single block for a message of up to 128 bytes, and no special
/// instructions.
///
/// `personalization` keeps the digests of different uses apart (section 2.8 of the BLAKE2 paper).
func blake2b(
  _ message: RawSpan, digestLength: Int, personalization: SIMD2<UInt64> = .zero
) -> SIMD8<UInt64> {
  precondition((1...64).contains(digestLength))
  var state = initialState
  state[0] ^= 0x0101_0000 | UInt64(digestLength)
  state[6] ^= personalization.x
  state[7] ^= personalization.y
  var offset = 0
  // The last block is a special one, even if it is full; an empty message is one block of zeros.
  while message.byteCount - offset > blockSize {
    absorb(message, at: offset, total: UInt64(offset + blockSize), isLast: false, into: &state)
    offset += blockSize
  }
  let total = UInt64(message.byteCount)
  if message.byteCount - offset == blockSize {
    absorb(message, at: offset, total: total, isLast: true, into: &state)
  } else {
    let block = padded(message, from: offset)
    absorb(block.span.bytes, at: 0, total: total, isLast: true, into: &state)
  }
  return state
}

private let blockSize = 128

/// SHA-512's initial vector. Computed, not stored: a stored global would be checked for its initialization at each use.
private var initialState: SIMD8<UInt64> {
  SIMD8(
    0x6A09_E667_F3BC_C908, 0xBB67_AE85_84CA_A73B, 0x3C6E_F372_FE94_F82B, 0xA54F_F53A_5F1D_36F1,
    0x510E_527F_ADE6_82D1, 0x9B05_688C_2B3E_6C1F, 0x1F83_D9AB_FB41_BD6B, 0x5BE0_CD19_137E_2179)
}

/// What is left of the message at `offset`, filled up with zeros to a block.
private func padded(_ message: RawSpan, from offset: Int) -> InlineArray<16, UInt64> {
  var block = InlineArray<16, UInt64>(repeating: 0)
  var position = offset
  var word = 0
  while position &+ 8 <= message.byteCount {
    block[word] = message.word(at: position)
    word &+= 1
    position &+= 8
  }
  var shift: UInt64 = 0
  while position < message.byteCount {
    block[word] |= UInt64(message.byte(at: position)) << shift
    shift &+= 8
    position &+= 1
  }
  for index in 0..<16 { block[index] = block[index].littleEndian }
  return block
}

/// The compression function F. `total` is how many bytes of the message are taken in with this block.
private func absorb(
  _ message: RawSpan, at offset: Int, total: UInt64, isLast: Bool, into state: inout SIMD8<UInt64>
) {
  let block = message.extracting(offset..<offset &+ blockSize)
  let initial = initialState
  var work = WorkingVector(
    v0: state[0], v1: state[1], v2: state[2], v3: state[3], v4: state[4], v5: state[5], v6: state[6], v7: state[7],
    v8: initial[0], v9: initial[1], v10: initial[2], v11: initial[3],
    v12: initial[4] ^ total, v13: initial[5], v14: isLast ? ~initial[6] : initial[6], v15: initial[7])
  // The message schedule of RFC 7693, section 2.7; rounds 11 and 12 are rounds 1 and 2 again.
  work.round(block, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  work.round(block, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
  work.round(block, 11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4)
  work.round(block, 7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8)
  work.round(block, 9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13)
  work.round(block, 2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9)
  work.round(block, 12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11)
  work.round(block, 13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10)
  work.round(block, 6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5)
  work.round(block, 10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0)
  work.round(block, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  work.round(block, 14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3)
  state ^= SIMD8(
    work.v0 ^ work.v8, work.v1 ^ work.v9, work.v2 ^ work.v10, work.v3 ^ work.v11,
    work.v4 ^ work.v12, work.v5 ^ work.v13, work.v6 ^ work.v14, work.v7 ^ work.v15)
}

/// Sixteen plain words: as four vectors of four words, each in two of the registers that every x86-64 has, a block
/// takes four times as long.
private struct WorkingVector {
  var v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15: UInt64

  /// One round: the columns of the 4 × 4 words, then the diagonals.
  @inline(__always)
  mutating func round(
    _ m: RawSpan, _ s0: Int, _ s1: Int, _ s2: Int, _ s3: Int, _ s4: Int, _ s5: Int, _ s6: Int, _ s7: Int,
    _ s8: Int, _ s9: Int, _ s10: Int, _ s11: Int, _ s12: Int, _ s13: Int, _ s14: Int, _ s15: Int
  ) {
    mix(&v0, &v4, &v8, &v12, m.word(at: 8 &* s0), m.word(at: 8 &* s1))
    mix(&v1, &v5, &v9, &v13, m.word(at: 8 &* s2), m.word(at: 8 &* s3))
    mix(&v2, &v6, &v10, &v14, m.word(at: 8 &* s4), m.word(at: 8 &* s5))
    mix(&v3, &v7, &v11, &v15, m.word(at: 8 &* s6), m.word(at: 8 &* s7))
    mix(&v0, &v5, &v10, &v15, m.word(at: 8 &* s8), m.word(at: 8 &* s9))
    mix(&v1, &v6, &v11, &v12, m.word(at: 8 &* s10), m.word(at: 8 &* s11))
    mix(&v2, &v7, &v8, &v13, m.word(at: 8 &* s12), m.word(at: 8 &* s13))
    mix(&v3, &v4, &v9, &v14, m.word(at: 8 &* s14), m.word(at: 8 &* s15))
  }
}

/// The mixing function G.
@inline(__always)
private func mix(_ a: inout UInt64, _ b: inout UInt64, _ c: inout UInt64, _ d: inout UInt64, _ x: UInt64, _ y: UInt64) {
  a = a &+ b &+ x
  d = rotated(d ^ a, by: 32)
  c = c &+ d
  b = rotated(b ^ c, by: 24)
  a = a &+ b &+ y
  d = rotated(d ^ a, by: 16)
  c = c &+ d
  b = rotated(b ^ c, by: 63)
}

@inline(__always)
private func rotated(_ word: UInt64, by count: UInt64) -> UInt64 {
  (word &>> count) | (word &<< (64 &- count))
}
