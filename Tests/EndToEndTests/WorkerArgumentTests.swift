import Testing

/// What a worker is started with.
@Suite struct WorkerArgumentTests {
  @Test func argumentsArePassedOnByteForByte() throws {
    let worker = #"while read -r job; do printf "%s|%s\n" "$0" "$1" | od -An -tx1 | tr -d "\n"; echo; done"#
    let result = try shell(
      "prefork run -w 1 -- sh -c '\(worker)' \"$(printf 'a\\377b')\" '' | tr -d ' '", input: "x\n")
    #expect(result.output == "61ff627c0a\n", "\(result.errors)")
    #expect(result.status == 0)
  }
}
