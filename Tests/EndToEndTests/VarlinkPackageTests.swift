import ControlProtocol
import Glibc
import TestSupport
import Testing

/// The server's side of control against a client that we did not write: the package `varlink` of Python.
@Suite struct VarlinkPackageTests {
  /// A python3 that finds what `make python-clients` puts there.
  static let python3 = "PYTHONPATH=.build/python exec python3"
  static let isThere = (try? shell("\(python3) -c 'import varlink' 2>/dev/null"))?.status == 0

  /// Each line of its output is checked below.
  static let script = #"""
    import sys, varlink
    client = varlink.Client.new_with_address("unix:" + sys.argv[1])
    print(client.get_interfaces(), client.info["product"])
    pool = client.open("io.prefork.Pool")
    print(sorted(pool._interface.members))
    status = pool.GetStatus(None)["pools"][0]
    print(status["name"], status["phase"], status["age"], status["slots"][0]["worker"]["memory"])
    print(pool.Scale(None, 2, 8), pool.ListJobs(None, 5))
    try:
        pool.CancelJob("x", 7)
    except varlink.VarlinkError as error:
        print(error.error(), error.parameters())
    try:
        pool.Recycle(None, [-1])
    except varlink.VarlinkError as error:
        print(error.error(), error.parameters())
    states = pool.Watch(None, 0.5, _more=True)
    print(len([next(states) for _ in range(3)]))
    """#

  @Test("it reads our interface, calls, streams and gets typed errors", .enabled(if: isThere, "python3 has no varlink"))
  func python() throws {
    let folder = try #require(makeTemporaryFolder())
    defer {
      unlink(folder + "/s")
      rmdir(folder)
    }
    let listener = try listen(folder + "/s")
    defer { close(listener) }
    try withFile(Self.script) { path in
      let session = try Session("\(Self.python3) \(path) \(folder)/s")
      var connections: [(descriptor: CInt, session: ControlSession)] = []
      session.wait(for: "the end of the client") {
        if let descriptor = acceptIfAny(listener) { connections.append((descriptor, Self.newSession)) }
        for place in connections.indices { Self.serve(connections[place].descriptor, &connections[place].session) }
        return session.hasEnded()
      }
      for connection in connections { close(connection.descriptor) }
      let result = session.finish()
      #expect(result.errors == "")
      #expect(
        result.output == """
          ['org.varlink.service', 'io.prefork.Pool'] prefork
          ['CancelJob', 'Client', 'Drain', 'GetMetrics', 'GetStatus', 'InvalidSize', 'Job', 'JobTotals', 'ListJobs', \
          'NoSuchJob', 'NoSuchPool', 'NoSuchSlot', 'NotPermitted', 'Percentiles', 'Recycle', 'Reload', 'ReloadFailed', \
          'Scale', 'Slot', 'Status', 'Stop', 'Stopping', 'Watch', 'Worker']
          a serving 7532.0 50331648
          {} {'jobs': []}
          io.prefork.Pool.NoSuchJob {'job': 7}
          org.varlink.service.InvalidParameter {'parameter': 'slots'}
          3

          """)
    }
  }

  private static var newSession: ControlSession {
    ControlSession(service: ServiceInfo(version: "1", url: "https://example.org"))
  }

  /// Does what can be done at once for one connection.
  private static func serve(_ descriptor: CInt, _ session: inout ControlSession) {
    var block = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &block, block.count, CInt(MSG_DONTWAIT))
    if count > 0 { block.withUnsafeBytes { session.receive($0.bytes.extracting(0..<count)) } }
    while let request = session.nextRequest() {
      switch request {
      case .status: session.reply(.status([ControlCommandTests.busyPool]))
      case .watch: break
      case .scale(pool: nil, minimum: 2, maximum: 8): session.reply(.done)
      case .jobs(pool: nil, limit: 5): session.reply(.jobs([]))
      case .cancelJob(_, let job): session.refuse(.noSuchJob(job))
      case .scale, .recycle, .drain, .stop, .metrics, .jobs, .reload: session.refuse(.permissionDenied)
      }
    }
    if case .watch = session.request { session.reply(.status([ControlCommandTests.busyPool])) }
    let output = session.output
    let sent = send(descriptor, output, output.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
    if sent > 0 { session.removeOutput(sent) }
  }

  private func acceptIfAny(_ listener: CInt) -> CInt? {
    var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) > 0 ? accept(listener, nil, nil) : nil
  }

  private func listen(_ path: String) throws -> CInt {
    let listener = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, 110) }
    }
    try #require(result == 0 && Glibc.listen(listener, 4) == 0)
    return listener
  }
}
