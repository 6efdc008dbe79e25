import Glibc
import TestSupport
import Testing

/// A reload while files, locks or the configuration are not as they should be. What a reload changes in a pool is
/// tested in `ServeConfigurationTests`.
@Suite struct ServeReloadTests {
  private static let text = """
    control: unix:DIR/control
    metrics-listen: unix:DIR/x
    command: cat
    workers: 1
    listen: unix:DIR/a
    """

  @Test("socket files that were removed are made anew: of jobs, control and metrics; connections go on")
  func removed() throws {
    let server = try ConfiguredServer(Self.text)
    let client = try server.connect("a")
    #expect(client.ask("1") == "1")
    for name in ["a", "control", "x"] { #expect(unlink("\(server.folder)/\(name)") == 0) }
    #expect(throws: ShellFailure.self) { try server.connect("a") }
    server.session.signal(SIGHUP)
    server.session.waitForError("the file of unix:\(server.folder)/a was removed or replaced: it is made anew")
    server.session.wait(for: "the socket") { (try? server.ask("a", "2")) == "2" }
    #expect(client.ask("3") == "3")
    #expect(try server.control("status").status == 0)
    let health = try shell("curl -s --unix-socket \(server.folder)/x http://x/healthz || echo no curl")
    #expect(health.output == "ok\n" || health.output.hasPrefix("ok") || !isInstalled("curl"))
    // Nothing is made anew that is in its place.
    #expect(try server.control("reload").status == 0)
    #expect(server.session.errorText.ranges(of: "it is made anew").count == 2)
    #expect(server.stop().status == 0)
  }

  @Test("what stands in the place of a removed socket file is left alone, and reported")
  func replaced() throws {
    let server = try ConfiguredServer(Self.text)
    #expect(rename(server.file, server.folder + "/b") == 0 && unlink(server.folder + "/a") == 0)
    #expect(rename(server.folder + "/b", server.file) == 0)
    close(open(server.folder + "/a", O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
    let answer = try server.control("reload")
    #expect(answer.status == 1 && answer.errors.contains("what stands there is no socket"), "\(answer.errors)")
    unlink(server.folder + "/a")
    #expect(try server.control("reload").status == 0)
    #expect(try server.ask("a", "1") == "1")
    #expect(server.stop().status == 0)
  }

  @Test("a new address whose lock somebody holds is refused at once, with the name of the process; jobs go on")
  func locked() throws {
    let server = try ConfiguredServer(Self.text)
    let lock = open(server.folder + "/b.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    #expect(flock(lock, LOCK_EX) == 0)
    defer {
      close(lock)
      unlink(server.folder + "/b.lock")
    }
    server.write(Self.text.replacing("listen: unix:DIR/a", with: "listen: [unix:DIR/a, unix:DIR/b]"))
    let answer = try server.control("reload")
    #expect(answer.status == 1 && answer.errors.contains("process \(getpid()) ("), "\(answer.errors)")
    #expect(answer.errors.contains("holds the lock \(server.folder)/b.lock"), "\(answer.errors)")
    #expect(try server.ask("a", "1") == "1")
    #expect(server.stop().status == 0)
  }

  @Test("while a name is looked up, jobs are answered; the reload is refused when it cannot be resolved")
  func names() throws {
    let server = try ConfiguredServer(Self.text)
    server.write(Self.text.replacing("listen: unix:DIR/a", with: "listen: [unix:DIR/a, 'tcp:nosuch.invalid:1']"))
    for _ in 0..<3 { server.session.signal(SIGHUP) }
    for job in 0..<50 { #expect(try server.ask("a", "\(job)") == "\(job)") }
    server.session.waitForError("cannot resolve tcp:nosuch.invalid:1")
    server.write(Self.text)
    #expect(try server.control("reload").status == 0)
    #expect(server.stop().status == 0)
  }

  @Test("the file of a socket for metrics is there as long as we are")
  func metrics() throws {
    let server = try ConfiguredServer(Self.text)
    var status = stat()
    #expect(lstat(server.folder + "/x", &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK)
    #expect(server.stop().status == 0)
    #expect(lstat(server.folder + "/x", &status) != 0)
  }
}
