import Testing

/// Programs that were not written for prefork, and those that were.
@Suite struct ExampleWorkerTests {
  @Test(arguments: [
    ("cat", "a\nb\n\nc\n", "a\nb\n\nc\n"),
    ("sed -u s/a/b/", "a\nxay\n\n", "b\nxby\n\n"),
    ("python3 -u -c 'import sys\nfor job in sys.stdin: print(len(job))'", "abc\n\n", "4\n1\n"),
    ("perl -pe 'BEGIN { $| = 1 } $_ = lc'", "ABC\n", "abc\n"),
    ("sh -c 'while read -r x; do echo $((x * 2)); done'", "1\n21\n", "2\n42\n"),
    ("workers/examples/upper.py", "straße\nx\n", "STRAßE\nX\n"),
    ("workers/examples/crc32.sh", "123456789\n", "cbf43926 9\n"),
    (
      "workers/examples/redact.pl", "bob@example.org from 192.0.2.7 paid with 4111 1111 1111 1111\n",
      "<mail> from <ip> paid with <card>\n"
    ),
  ])
  func aProgramWorksAsItIs(worker: String, jobs: String, replies: String) throws {
    let result = try shell("prefork run -w 2 -- \(worker)", input: jobs)
    #expect(result == ShellResult(output: replies, status: 0))
  }

  @Test(.enabled(if: isInstalled("bc"), "bc is not installed"))
  func bcCalculates() throws {
    #expect(try shell("seq 3 | prefork run -w 2 -- bc -l") == ShellResult(output: "1\n2\n3\n", status: 0))
    let result = try shell("printf '1/4\\n2^10\\n' | prefork run -w 2 -- bc -l")
    #expect(result == ShellResult(output: ".25000000000000000000\n1024\n", status: 0))
  }

  @Test(.enabled(if: isInstalled("jq"), "jq is not installed"))
  func jqPicks() throws {
    let result = try shell(
      "prefork run -w 2 -- jq --unbuffered -c .a", input: "{\"a\": [1, 2]}\n{\"b\": 0}\n{\"a\": 3}\n")
    #expect(result == ShellResult(output: "[1,2]\nnull\n3\n", status: 0))
  }

  @Test(.enabled(if: isInstalled("node"), "node is not installed"))
  func nodeTakesURLsApart() throws {
    let result = try shell("prefork run -w 1 -- workers/examples/url_parts.js", input: "https://a.example/?q=1\nnone\n")
    #expect(result.status == 0)
    #expect(result.lines.first?.contains("\"host\":\"a.example\"") == true)
    #expect(result.lines.last?.contains("\"error\"") == true)
  }

  @Test func theExpensiveExampleFindsCharacters() throws {
    let result = try shell("echo greek small letter alpha | prefork run -w 1 -- workers/examples/unicode_search.py")
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("U+03B1 α GREEK SMALL LETTER ALPHA"))
  }

  @Test func nulCarriesJobsOfManyLines() throws {
    let result = try shell(
      #"printf 'pear\napple\npear\0b\na' | prefork run --protocol nul --input nul --output nul -- "#
        + #"workers/examples/sort_lines_nul.py | tr '\0' '|'"#)
    #expect(result == ShellResult(output: "apple\npear|a\nb|", status: 0))
  }

  @Test func length4CarriesAnything() throws {
    let result = try shell(
      #"printf 'one document\nof two lines\n\0another\0' | prefork run --protocol length4 --input nul -- "#
        + "workers/examples/document_stats_length4.py")
    #expect(result.status == 0)
    #expect(result.lines.count == 2)
    #expect(result.output.contains("26"), "26 bytes: \(result.output)")
  }

  @Test func netstringCarriesRepliesOfManyLines() throws {
    let result = try shell(
      #"printf '%s\n' '{"b":[1],"a":null}' | prefork run --protocol netstring --output nul -- "#
        + #"workers/examples/json_pretty_netstring.py | tr '\0' '|'"#)
    #expect(result == ShellResult(output: "{\n  \"a\": null,\n  \"b\": [\n    1\n  ]\n}|", status: 0))
  }
}
