import Text
import Time

/// Pictures as inline SVG. Shapes are stretched to any width; labels are HTML beside them, so that they stay readable
/// on a phone.
extension Page {
  /// The width of all pictures, in units of their coordinates.
  static let width = 1000

  /// An area under steps: `heights` of equal width from left to right, in units up from `base`. Equal neighbours cost
  /// nothing.
  mutating func steps(_ css: StaticString, _ heights: [Int], base: Int) {
    guard heights.contains(where: { $0 > 0 }) else { return }
    area(css, heights, base: base) { base - $0 }
  }

  /// The same, hanging down from the top.
  mutating func hangingSteps(_ css: StaticString, _ heights: [Int]) {
    guard heights.contains(where: { $0 > 0 }) else { return }
    area(css, heights, base: 0) { $0 }
  }

  private mutating func area(_ css: StaticString, _ heights: [Int], base: Int, place: (Int) -> Int) {
    markup("<path class=\"")
    markup(css)
    markup("\" d=\"M0 ")
    text("\(base)")
    var last: Int?
    for (column, height) in heights.enumerated() where height != last {
      if last != nil { text("H\(column * Self.width / heights.count)") }
      text("V\(place(height))")
      last = height
    }
    text("H\(Self.width)V\(base)Z")
    markup("\"/>")
  }

  /// Upright lines from top to bottom, at places 0...1.
  mutating func uprights(_ css: StaticString, at places: [Double], height: Int) {
    guard !places.isEmpty else { return }
    markup("<path class=\"")
    markup(css)
    markup("\" d=\"")
    for place in places { text("M\(Int(place * Double(Self.width))) 0v\(height)") }
    markup("\"/>")
  }

  /// Begins a picture `height` units high that shows `label`.
  mutating func beginPicture(_ label: String, height: Int) {
    markup("<svg preserveAspectRatio=\"none\" role=\"img\" viewBox=\"0 0 1000 ")
    text("\(height)")
    markup("\" aria-label=\"")
    text(label)
    markup("\">")
  }

  mutating func endPicture() { markup("</svg>") }

  /// Words under a picture, at places 0...1 from left to right.
  mutating func axis(_ ticks: [(place: Double, text: String)]) {
    markup("<div class=\"axis\" aria-hidden=\"true\">")
    for tick in ticks {
      markup("<span style=\"left:")
      text(percent(tick.place))
      markup("\">")
      text(tick.text)
      markup("</span>")
    }
    markup("</div>")
  }

  /// Lines across a picture with their values: at the top, and at half of it.
  mutating func scale(to top: Double) {
    markup("<div class=\"rule\" style=\"top:0\"><span>")
    text(scaleText(top))
    markup("</span></div><div class=\"rule\" style=\"top:50%\"><span>")
    text(scaleText(top / 2))
    markup("</span></div>")
  }

  private func scaleText(_ value: Double) -> String {
    if value >= 100 || value.rounded() == value { return groupedText(UInt64(min(value, 1e15).rounded())) }
    return decimalText(value, decimals: (value * 10).rounded() == value * 10 ? 1 : 3)
  }

  /// Invisible columns that show their text when pointed at.
  mutating func hints(_ texts: [String], height: Int) {
    for (column, hint) in texts.enumerated() {
      let left = column * Self.width / texts.count
      let right = (column + 1) * Self.width / texts.count
      markup("<rect class=\"hint\" x=\"")
      text("\(left)")
      markup("\" width=\"")
      text("\(right - left)")
      markup("\" height=\"")
      text("\(height)")
      markup("\"><title>")
      text(hint)
      markup("</title></rect>")
    }
  }

  func percent(_ place: Double) -> String { decimalText(place * 100, decimals: 2) + "%" }
}

/// The end of a scale from 0 that holds `value`: 1, 1.5, 2, 3, 4, 5, 6 or 8 times a power of ten.
func niceCeiling(_ value: Double) -> Double {
  var power = 1e-9
  while power * 10 <= value { power *= 10 }
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map { $0 * power }.first { $0 >= value * 0.999_999 } ?? value
}

/// Marks for a time axis from 0 to `end`, at most 6 after the 0.
func timeTicks(to end: Nanoseconds) -> [(place: Double, text: String)] {
  let small = [1, 2, 5, 10, 20, 50, 100, 200, 500].map { Nanoseconds.milliseconds($0) }
  let units: [(length: Nanoseconds, name: String)] = [
    (.seconds(1), "s"), (.seconds(60), "min"), (.seconds(3600), "h"), (.seconds(86_400), "d"),
  ]
  let large = units.flatMap { unit in ([1, 2, 5, 10, 20] as [UInt64]).map { $0 * unit.length } }
  let step = (small + large).first { end / $0 <= 6 as UInt64 } ?? end / 5
  let unit = units.last { $0.length <= step } ?? (.milliseconds(1), "ms")
  return stride(from: 0, through: end.count, by: Int(step.count)).map { at in
    let text = at == 0 ? "0" : "\(Nanoseconds(at) / unit.length as UInt64) \(unit.name)"
    return (end == .zero ? 0 : Double(at) / Double(end.count), text)
  }
}
