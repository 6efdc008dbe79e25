import LinuxIO
import Testing

/// Addresses as people write them.
@Suite struct SocketAddressTests {
  @Test(
    "what is right is read, and written as it is read again",
    arguments: [
      ("unix:/run/x.sock", .unix(path: "/run/x.sock"), "unix:/run/x.sock"),
      ("/run/x.sock", .unix(path: "/run/x.sock"), "unix:/run/x.sock"),
      ("./x", .unix(path: "./x"), "unix:./x"),
      ("../x:1", .unix(path: "../x:1"), "unix:../x:1"),
      ("unix:x", .unix(path: "x"), "unix:x"),
      ("unix:@name", .abstract(name: "name"), "unix:@name"),
      ("tcp:127.0.0.1:7000", .tcp(host: "127.0.0.1", port: 7000), "tcp:127.0.0.1:7000"),
      ("tcp:[::1]:0", .tcp(host: "::1", port: 0), "tcp:[::1]:0"),
      ("tcp:localhost:65535", .tcp(host: "localhost", port: 65535), "tcp:localhost:65535"),
    ] as [(String, SocketAddress, String)])
  func right(text: String, address: SocketAddress, written: String) throws {
    #expect(try SocketAddress.parse(text) == address)
    #expect(address.description == written)
    #expect(try SocketAddress.parse(written) == address)
  }

  @Test(
    "what is wrong is said exactly, with what is right",
    arguments: [
      ("", "'' is empty; wanted is unix:/PATH or tcp:HOST:PORT"),
      (
        "x.sock",
        "'x.sock' does not say what kind of socket it is; "
          + "wanted is unix:/PATH or tcp:HOST:PORT; did you mean unix:x.sock?"
      ),
      ("udp:h:1", "'udp:h:1' begins with the unknown scheme 'udp'; wanted is unix:/PATH or tcp:HOST:PORT"),
      ("unix:", "'unix:' has no path; wanted is unix:/PATH or unix:@NAME"),
      ("unix:@", "'unix:@' has no name; wanted is unix:/PATH or unix:@NAME"),
      ("tcp::7", "'tcp::7' has no host; wanted is tcp:HOST:PORT, such as tcp:127.0.0.1:7000"),
      ("tcp:h", "'tcp:h' has no port; wanted is tcp:HOST:PORT, such as tcp:127.0.0.1:7000"),
      ("tcp:h:", "'tcp:h:' has no port; wanted is tcp:HOST:PORT, such as tcp:127.0.0.1:7000"),
      (
        "tcp:h:65536",
        "'tcp:h:65536' has the port '65536', which is no number from 0 to 65535; "
          + "wanted is tcp:HOST:PORT, such as tcp:127.0.0.1:7000"
      ),
      (
        "tcp:h:+1",
        "'tcp:h:+1' has the port '+1', which is no number from 0 to 65535; "
          + "wanted is tcp:HOST:PORT, such as tcp:127.0.0.1:7000"
      ),
      (
        "tcp:::1:7",
        "'tcp:::1:7' has an IPv6 address that does not stand in brackets; "
          + "wanted is tcp:[ADDRESS]:PORT, such as tcp:[::1]:7000"
      ),
      ("tcp:[::1:7", "'tcp:[::1:7' has a [ without its ]; wanted is tcp:[ADDRESS]:PORT, such as tcp:[::1]:7000"),
    ])
  func wrong(text: String, words: String) {
    let error = #expect(throws: SocketAddressError.self) { try SocketAddress.parse(text) }
    #expect(error?.description == words)
  }

  @Test("107 bytes are the most that the system takes, of a path as of a name")
  func length() throws {
    for prefix in ["unix:/", "unix:@/"] {
      let longest = prefix + String(repeating: "x", count: 106)
      #expect(try SocketAddress.parse(longest).description == longest)
      let error = #expect(throws: SocketAddressError.self) { try SocketAddress.parse(longest + "x") }
      #expect(error?.problem == .tooLong(bytes: 108))
    }
    #expect(#expect(throws: SocketAddressError.self) { try SocketAddress.parse("/a\0b") }?.problem == .containsNUL)
  }
}
