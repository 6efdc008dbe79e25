/// Something wrong in a configuration file.
public struct SettingMistake: Error, Hashable, Sendable {
  /// Where; nil if it stands on the command line.
  public let place: FilePlace?
  /// What, in one sentence without a full stop.
  public let sentence: String

  /// A mistake at a place; nil for the command line.
  public init(at place: FilePlace?, _ sentence: String) {
    self.place = place
    self.sentence = sentence
  }
}

/// The first mistakes of a file, by their place, and how many more there are: however broken a file is, the report
/// stays readable and takes little time and memory.
public struct MistakeList: Sendable {
  /// How many are kept.
  public static let limit = 20

  /// Those kept, in the order of the file; those on the command line come first.
  public private(set) var first: [SettingMistake] = []
  /// How many are not kept.
  public private(set) var others = 0

  /// None.
  public init() {}

  /// True if nothing is wrong.
  public var isEmpty: Bool { first.isEmpty }

  /// Adds a mistake, unless the very same is known. The sentence is made only if the mistake is kept.
  public mutating func add(at place: FilePlace?, _ sentence: @autoclosure () -> String) {
    let isKnownToBeLater = first.count == Self.limit && !isBefore(place, first[Self.limit - 1].place)
    if isKnownToBeLater {
      if first[Self.limit - 1].place != place || first[Self.limit - 1].sentence != sentence() { others += 1 }
      return
    }
    let mistake = SettingMistake(at: place, sentence())
    if first.contains(mistake) { return }
    first.insert(mistake, at: first.firstIndex { isBefore(place, $0.place) } ?? first.count)
    if first.count > Self.limit {
      first.removeLast()
      others += 1
    }
  }

  /// Adds a mistake.
  public mutating func add(_ mistake: SettingMistake) { add(at: mistake.place, mistake.sentence) }

  private func isBefore(_ one: FilePlace?, _ other: FilePlace?) -> Bool {
    guard let other else { return false }
    return one.map { $0 < other } ?? true
  }
}
