import Testing

/// `workers/gallery`: all that can be tested without what `make gallery` installs.
@Suite struct GalleryTests {
  static let runs = "GALLERY_JOBS=5 GALLERY_SAMPLE=1 workers/gallery/gallery.sh \"$(command -v prefork)\" /nonexistent"

  @Test("what is installed anyway answers warm as it does cold", arguments: ["sqlite3", "exiftool"])
  func coldAndWarm(name: String) throws {
    let result = try shell("\(Self.runs) \(name)")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.lines.count == 2, "\(result.output)")
    let row = result.lines.last?.split(separator: " ") ?? []
    #expect(row.first == name[...] && row.last == "x" && row.contains("5"), "\(result.output)")
  }

  @Test("answers that differ are an error")
  func difference() throws {
    // A program that is not the same warm.
    let page = "title='tee' count=3; jobs() { seq 3; }; cold() { echo \"$1\"; }; warm() { sed 's/1/one/'; }"
    let result = try shell(
      "d=$(mktemp -d) && mkdir -p $d/a/b && cp workers/gallery/gallery.sh $d/a/b"
        + " && echo \(shellWord(page)) >$d/a/b/odd.sh"
        + "; $d/a/b/gallery.sh /bin/true /nonexistent odd; s=$?; rm -r $d; exit $s")
    #expect(result.status == 1)
    #expect(result.errors.contains("what it answered warm (>) is not what it answered cold"), "\(result.errors)")
    #expect(result.errors.contains("> one"), "\(result.errors)")
  }

  @Test("every page and worker is well formed, and the README names each")
  func pages() throws {
    let result = try shell(
      """
      for page in workers/gallery/*.sh; do bash -n "$page" || exit; done
      for worker in workers/gallery/*.py; do
        python3 -c 'import sys; compile(open(sys.argv[1]).read(), sys.argv[1], "exec")' "$worker" || exit
      done
      for page in workers/gallery/[!g]*.sh; do grep -q "(${page##*/})" workers/gallery/README.md || echo "$page"; done
      workers/gallery/gallery.sh --needs apt
      """)
    #expect(result.status == 0, "\(result.errors)")
    let packages = "chromium-headless-shell default-jdk-headless libimage-exiftool-perl postgresql python3 sqlite3"
    #expect(result.lines == packages.split(separator: " "), "\(result.output)")
  }
}
