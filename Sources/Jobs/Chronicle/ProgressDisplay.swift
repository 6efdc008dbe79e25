import Time

/// The progress line over time: when it is drawn, and with what text. Its clock began with the run.
public struct ProgressDisplay: Sendable {
  /// A run that is over sooner needs no line.
  public static let firstDraw = Instant.origin + .milliseconds(500)
  /// It is drawn no more often than this.
  public static let shortestInterval: Nanoseconds = .milliseconds(100)
  /// The time until the next look when nothing had changed.
  public static let restingInterval: Nanoseconds = .milliseconds(250)

  private let style: TerminalStyle
  private var columns: Int
  private var meter = ProgressMeter()
  private var shown: Progress?
  private var text = ""
  /// No update is wanted before this time.
  public private(set) var nextUpdate = Self.firstDraw

  /// A line for a window of that many columns.
  public init(style: TerminalStyle, columns: Int) {
    self.style = style
    self.columns = columns
  }

  /// The window has another size; an update is wanted at once.
  public mutating func resize(columns: Int) {
    guard columns != self.columns else { return }
    self.columns = columns
    nextUpdate = Self.firstDraw
    text = ""
  }

  /// True when it is time for `update`. So cheap that it can be asked at every turn of a loop.
  public func isDue(at now: Instant) -> Bool { now >= nextUpdate }

  /// Takes how far the run is now. Returns the line to draw; nil if it is not due, or what is drawn still is right.
  public mutating func update(_ progress: Progress, at now: Instant) -> String? {
    guard isDue(at: now) else { return nil }
    meter.take(progress, at: now)
    nextUpdate = now + (progress == shown ? Self.restingInterval : Self.shortestInterval)
    shown = progress
    let line = progressLine(progress, meter, at: now, columns: columns, style: style)
    guard line != text else { return nil }
    text = line
    return line
  }
}
