/// An HTML page in the making.
///
/// Markup is a `StaticString`, a literal of this program; a `String` can only go in escaped. So nothing that comes from
/// outside, be it the name of a job or what a worker wrote, can become markup.
struct Page {
  private(set) var bytes: [UInt8] = []

  mutating func markup(_ markup: StaticString) { bytes.append(markup) }

  mutating func text(_ text: String) { bytes.append(html: text) }

  /// An element that holds nothing but text. `tag` may carry attributes: they end with its name.
  mutating func element(_ name: StaticString, class css: StaticString? = nil, _ text: String) {
    markup("<")
    markup(name)
    if let css {
      markup(" class=\"")
      markup(css)
      markup("\"")
    }
    markup(">")
    self.text(text)
    markup("</")
    markup(name)
    markup(">")
  }

  /// A table. The first column names the row, all columns from `numbers` on are aligned as numbers.
  mutating func table(_ caption: String, head: [String], numbersFrom numbers: Int = 1, rows: [[String]]) {
    markup("<div class=\"wide\"><table>")
    element("caption", caption)
    markup("<thead><tr>")
    for (column, name) in head.enumerated() {
      markup(column >= numbers ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">")
      text(name)
      markup("</th>")
    }
    markup("</tr></thead><tbody>\n")
    for row in rows {
      markup("<tr>")
      for (column, cell) in row.enumerated() {
        if column == 0 {
          markup(numbers == 0 ? "<th scope=\"row\" class=\"n\">" : "<th scope=\"row\">")
        } else {
          markup(column >= numbers ? "<td class=\"n\">" : "<td>")
        }
        text(cell)
        markup(column == 0 ? "</th>" : "</td>")
      }
      markup("</tr>\n")
    }
    markup("</tbody></table></div>\n")
  }

  /// The figures of a picture as a table, for screen readers and for exact values.
  mutating func folded(_ caption: String, head: [String], rows: [[String]]) {
    markup("<details><summary>As a table</summary>")
    table(caption, head: head, rows: rows)
    markup("</details>\n")
  }

  /// Begins a section under a heading; `endSection` ends it.
  mutating func beginSection(_ heading: String, _ explanation: String? = nil) {
    markup("<section>")
    element("h2", heading)
    if let explanation { element("p", class: "note", explanation) }
  }

  mutating func endSection() { markup("</section>\n") }

  /// A coloured field with its meaning, for each; classes name the colours.
  mutating func legend(_ meanings: [(css: StaticString, text: String)]) {
    markup("<p class=\"legend\">")
    for meaning in meanings {
      markup("<span><i class=\"")
      markup(meaning.css)
      markup("\"></i>")
      text(meaning.text)
      markup("</span> ")
    }
    markup("</p>\n")
  }
}
