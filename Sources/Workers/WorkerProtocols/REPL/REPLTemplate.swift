/// What differs from job to job in what a program at a prompt is sent and prints.
enum REPLPlaceholder: String, CaseIterable {
  /// 32 hexadecimal digits, for the mark at the end of a reply.
  case nonce
  /// As many decimal digits as two numbers of 64 bits have, for programs that take a number.
  case number
  /// Others, for the mark at its beginning: a job that knows one does not know the other.
  case begin
  case beginNumber = "begin-number"
  /// The job as it is.
  case job
  /// The job as a string in double quotes, in which all but printable ASCII is `\ooo`: Python, JavaScript, R, Octave.
  case string
  /// The job as one word of the shell, in single quotes.
  case word
}

typealias REPLTemplate = TextTemplate<REPLPlaceholder>

extension REPLTemplate: ExpressibleByStringLiteral, ExpressibleByUnicodeScalarLiteral,
  ExpressibleByExtendedGraphemeClusterLiteral
{
  /// Text in which all placeholders have a meaning.
  init(stringLiteral text: String) { self.init(text, placeholders: REPLPlaceholder.allCases) }

  /// The same for the mark at the beginning of a reply.
  var asBeginning: REPLTemplate {
    REPLTemplate(
      pieces: pieces.map { piece in
        switch piece {
        case .placeholder(.nonce): .placeholder(.begin)
        case .placeholder(.number): .placeholder(.beginNumber)
        case .literal, .placeholder: piece
        }
      })
  }
}
