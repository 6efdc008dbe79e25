import Glibc

/// The blocks of Swift in a section of the README, without indentation: what a test file must hold, too, so that it is
/// compiled and run. `heading`: the line that begins the section, with its number signs.
public func recipes(under heading: String) -> [String] {
  let sections = text(of: "README.md").split(separator: "\n\(heading)\n").dropFirst()
  let level = heading.prefix { $0 == "#" }
  let section = sections.first?.split(separator: "\n\(level) ").first?.split(separator: "\n\(level.dropLast()) ").first
  return (section ?? "").split(separator: "```swift\n").dropFirst().compactMap { $0.split(separator: "```").first }
    .map { withoutIndentation(String($0)) }
}

/// The same form of a test file, given from the top of the tree.
public func source(of file: String) -> String { withoutIndentation(text(of: file)) }

private func withoutIndentation(_ text: String) -> String {
  text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "\n")
}

private func text(of file: String) -> String {
  let root = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  guard let stream = fopen("\(root)/\(file)", "r") else { return "" }
  defer { fclose(stream) }
  var bytes = [UInt8](repeating: 0, count: 1 << 20)
  return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, stream)], as: UTF8.self)
}
