import JobCore
import LinuxIO
import Time

/// Everything that is to be known of a pool that is served elsewhere.
public struct RemotePoolConfiguration: Sendable {
  /// Its job socket.
  public var address: SocketAddress
  /// How long it may take to connect and to be greeted; over 0.
  public var connectLimit: Nanoseconds = .seconds(10)
  /// The waits between attempts to connect again; nil for not at all: then a lost connection ends the run.
  public var reconnectDelay: RetryDelay?
  /// How long no job may be answered while it is tried again; nil for ever.
  public var reconnectLimit: Nanoseconds?
  /// How long one attempt of a job may run, over 0; nil for as the server has it. A job's own counts more.
  public var runLimit: Nanoseconds?
  /// Extra attempts of a job, 0 or more; nil for as the server has it. A job's own count more.
  public var retries: Int?
  /// A job whose reply is longer fails, in bytes.
  public var maximumReplySize = 64 << 20

  /// The pool that is served at this address.
  public init(address: SocketAddress) { self.address = address }
}

/// What is needed besides to keep the jobs that go there.
package struct JobKeeping: Sendable {
  /// Order, order window, when to give up. All limits of time and retries are the server's affair.
  package var ledger: JobLedger.Configuration
  /// Whether anybody wants to know about single jobs.
  package var keepsDetails: Bool
  /// Whether jobs are kept until their answers are out.
  package var keepsJobs: Bool
  /// Seed of all jitter.
  package var seed: UInt64

  package init(ledger: JobLedger.Configuration, keepsDetails: Bool, keepsJobs: Bool, seed: UInt64) {
    self.ledger = ledger
    self.keepsDetails = keepsDetails
    self.keepsJobs = keepsJobs
    self.seed = seed
  }
}
