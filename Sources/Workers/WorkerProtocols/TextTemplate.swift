/// Text with places for what differs from job to job, each written as `{name}`.
struct TextTemplate<Placeholder: RawRepresentable<String> & Equatable & Sendable>: Sendable, Equatable {
  enum Piece: Sendable, Equatable {
    case literal([UInt8])
    case placeholder(Placeholder)
  }

  let pieces: [Piece]

  init(pieces: [Piece]) { self.pieces = pieces }

  /// Text in which these have a meaning.
  init(_ text: String, placeholders: [Placeholder]) {
    var pieces: [Piece] = []
    var literal: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let first = rest.first {
      if let found = placeholders.first(where: { rest.starts(with: "{\($0.rawValue)}".utf8) }) {
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = []
        pieces.append(.placeholder(found))
        rest = rest.dropFirst(found.rawValue.utf8.count + 2)
      } else {
        literal.append(first)
        rest = rest.dropFirst()
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
    self.pieces = pieces
  }
}
