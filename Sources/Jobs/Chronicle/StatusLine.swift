/// The last line of a terminal, below the messages: what has to be written so that messages push it down and never mix
/// with it, in one write and so without flicker.
///
/// The cursor rests at its beginning. When the window gets narrower, the terminal may break the line in two: what is
/// erased from there to the end of the screen is then all of it, whether this terminal does so or not; and the prompt
/// of a shell whose prefork was killed does not hang at its end. Nothing is changed for longer than one write, so there
/// is nothing to restore.
public struct StatusLine: Sendable {
  /// Erases the line, and what a narrower window made of it.
  private static let erase = "\r\u{1B}[J"
  /// No line is broken from here on (DECAWM): the window may have become narrower than this line while it was on its
  /// way.
  private static let start = "\u{1B}[?7l"
  /// Erases what was longer before, breaks lines again, and goes back to the beginning.
  private static let end = "\u{1B}[K\u{1B}[?7h\r"

  private var wanted: String?
  private var drawn: String?
  private var isDistorted = false

  /// None.
  public init() {}

  /// The line there should be from now on: text without any newline, narrower than the window.
  public mutating func set(_ text: String) { wanted = text }

  /// There should be none. Returns what must be written to that end, whatever else waits to be written.
  public mutating func clear() -> String {
    wanted = nil
    return beforeMessage()
  }

  /// The window has another size: what stands there may be broken in two.
  public mutating func windowChanged() { isDistorted = true }

  /// Others have written below it, so that the cursor is theirs: it is neither erased nor drawn again until it is
  /// `set`.
  public mutating func forget() {
    wanted = nil
    drawn = nil
    isDistorted = false
  }

  /// What must be written before a message, or before several in a row.
  public mutating func beforeMessage() -> String {
    guard drawn != nil else { return "" }
    drawn = nil
    isDistorted = false
    return Self.erase
  }

  /// What must be written at the end, behind any messages. To be asked for only when it can be written at once: a line
  /// that waits is out of date when it comes.
  public mutating func atEnd() -> String {
    guard let wanted, wanted != drawn || isDistorted else { return "" }
    let start = isDistorted && drawn != nil ? Self.erase : "\r"
    drawn = wanted
    isDistorted = false
    return start + Self.start + wanted + Self.end
  }
}
