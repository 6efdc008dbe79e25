import CLinux

/// The receiving end of the protocol of sd_notify(3): a datagram socket with an abstract address that the kernel
/// chooses, so that there is no file to be cleaned up and no name to be guessed.
public struct NotificationSocket: ~Copyable, Sendable {
  /// A message, and its sender as the kernel reports it.
  public struct Packet: Sendable {
    /// The datagram.
    public let bytes: [UInt8]
    /// The process that sent it; it may be gone by now.
    public let sender: CInt
    /// Its user.
    public let uid: UInt32
  }

  /// More than this in one datagram is not read, in bytes; sd_notify's own messages are far shorter.
  private static let longestPacket = 4096

  private let socket: FileDescriptor
  /// What `NOTIFY_SOCKET` must be set to: `@` and the abstract name.
  public let address: String

  /// A socket with an address of its own, close-on-exec, non-blocking.
  public init() throws(SystemError) {
    var name = [CChar](repeating: 0, count: 108)
    let number = name.withUnsafeMutableBufferPointer { prefork_notify_socket($0.baseAddress, $0.count) }
    if number < 0 { throw SystemError("make a notification socket") }
    socket = FileDescriptor(owning: number)
    address = "@" + String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Readable when somebody has sent something.
  public var descriptor: CInt { socket.rawValue }

  /// The next packet; nil when there is none. Descriptors that come with it are closed: that is all that `BARRIER=1`
  /// (sd_notify_barrier(3)) waits for, and a descriptor store we are not.
  public func receive() -> Packet? {
    var sender: CInt = 0
    var uid: UInt32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Self.longestPacket) { buffer, count in
      let received = prefork_notify_receive(socket.rawValue, buffer.baseAddress, buffer.count, &sender, &uid)
      count = max(0, received)
      if received < 0 { sender = -1 }
    }
    return sender < 0 ? nil : Packet(bytes: bytes, sender: sender, uid: uid)
  }
}
