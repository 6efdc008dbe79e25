import Time

/// The Varlink interface of a served pool: its name, and its description as `GetInterfaceDescription` gives it.
public enum PoolInterface {
  /// What calls and errors begin with.
  public static let name = "io.prefork.Pool"

  /// Of the interface that every Varlink service has.
  public static let serviceName = "org.varlink.service"

  /// Jobs that `ListJobs` gives if no limit is given.
  public static let defaultJobs = 100
  /// More it never gives.
  public static let maximumJobs = 10_000
  /// Between two answers of `Watch`, by default.
  public static let defaultInterval: Nanoseconds = .seconds(1)
  /// 0.1 s to an hour.
  public static let intervals: ClosedRange<Nanoseconds> = .milliseconds(100) ... .seconds(3600)

  /// The interface in the language of https://varlink.org/Interface-Definition.
  public static let description = """
    # A served pool of warm worker processes: look at it, and control it while it runs.
    # Times are seconds, sizes are bytes. Counts are since the pool is up.
    # A pool is named where there are several; null means all of them in GetStatus, Watch, Recycle, Drain and Stop, and
    # elsewhere the only one there is.
    interface io.prefork.Pool

    # A pool at a moment.
    type Status (
      # Of its section in the configuration file; "default" without one.
      name: string,
      # starting: it has not had its minimum of ready workers yet. draining: it takes no new jobs and finishes those it
      # has.
      phase: (starting, serving, draining, stopping),
      # How long it has been up.
      age: float,
      # The program of its workers, and the arguments.
      command: []string,
      # It keeps at least this many workers...
      minimum: int,
      # ...and at most this many.
      maximum: int,
      # Whether starts fail and are held back.
      breakerOpen: bool,
      # Workers started.
      starts: int,
      # Workers that died unasked.
      deaths: int,
      # Workers that were replaced although they were healthy.
      recycled: int,
      jobs: JobTotals,
      # Of the jobs answered so far; null before there are any.
      runTimes: ?Percentiles,
      # Every slot, in order.
      slots: []Slot,
      # Clients connected now.
      connections: int,
      # Clients that came.
      connectionsAccepted: int,
      # The connections with most jobs in hand, at most 100 of them.
      clients: []Client,
      # Where it listens for jobs.
      listens: []string
    )

    # How many jobs came in, how many are where now, and how many ended how.
    type JobTotals (
      accepted: int,
      # Wait for a worker.
      queued: int,
      # Wait for their next attempt.
      delayed: int,
      running: int,
      ok: int,
      # Of those that are ok: their worker then wrote more, so their answers were withdrawn, or may be wrong.
      inDoubt: int,
      # The worker refused the job, or broke its protocol.
      failed: int,
      timeout: int,
      # Their worker died.
      crashed: int,
      # Set aside, because they killed too many workers.
      quarantined: int,
      cancelled: int,
      # Waited too long for a worker.
      expired: int
    )

    type Percentiles (median: float, p90: float, p99: float)

    # A stable place for at most one worker.
    type Slot (
      # From 0.
      slot: int,
      # empty: no worker is wanted. backingOff: waits to be started again.
      state: (empty, backingOff, starting, idle, probing, leased, resetting, stopping),
      # Why its worker is to go; null if it stays.
      retiring: ?string,
      # Failed starts in a row.
      failures: int,
      worker: ?Worker
    )

    # One living worker process.
    type Worker (
      pid: int,
      age: float,
      # Jobs that it was given, the one in hand included.
      jobs: int,
      # Resident memory, if it could be read.
      memory: ?int,
      # The job that it has, and for how long.
      job: ?int,
      jobElapsed: ?float,
      # What it last reported of itself (STATUS= of sd_notify).
      said: string
    )

    # One connection that jobs come from.
    type Client (
      # From 1, in the order in which they came.
      connection: int,
      # "pid 812 (uid 1000)" or "127.0.0.1:51234".
      peer: string,
      age: float,
      queued: int,
      running: int,
      settled: int,
      # Bytes of answers that it has not read yet.
      unread: int
    )

    # One job that has not ended.
    type Job (
      # From 1: what CancelJob takes.
      job: int,
      # delayed: waits for its next attempt.
      state: (queued, delayed, running),
      # The client that it came from.
      connection: int,
      age: float,
      # The running one included.
      attempts: int,
      priority: int,
      # The slot that has it.
      slot: ?int,
      # The first of its bytes, at most 80.
      beginning: string
    )

    # The state of all pools, or of the one named.
    method GetStatus(pool: ?string) -> (pools: []Status)

    # The same with "more": at once, then every interval: 0.1 to 3600 s, 1 s if null. An answer is left out while the
    # client has not read the one before.
    method Watch(pool: ?string, interval: ?float) -> (pools: []Status)

    # Keep from minimum to maximum workers; a maximum of null is the minimum.
    method Scale(pool: ?string, minimum: int, maximum: ?int) -> ()

    # Replace the workers in these slots, or all, each as soon as its job is done and its successor is ready.
    method Recycle(pool: ?string, slots: ?[]int) -> ()

    # Take no new jobs, finish the rest, then end. With "more" there is an answer at once and a second one when it is
    # done; if the whole service ends, the connection is closed instead of the second.
    method Drain(pool: ?string) -> ()

    # Stop the workers, after the grace that the pool gives their jobs, and end. Answers are those of Drain.
    method Stop(pool: ?string) -> ()

    # The metrics of all pools in OpenMetrics text.
    method GetMetrics() -> (text: string)

    # Cancel a job that has not ended. If it runs, its worker is stopped.
    method CancelJob(pool: ?string, job: int) -> ()

    # The jobs that have not ended, the oldest first: at most limit, which is 1 to 10000, 100 if null.
    method ListJobs(pool: ?string, limit: ?int) -> (jobs: []Job)

    # Read the configuration file again, and replace the workers of what has changed.
    method Reload() -> ()

    # pool is null if none was named and there are several.
    error NoSuchPool (pool: ?string, pools: []string)

    error NoSuchSlot (slot: int)

    # It has ended, or never was.
    error NoSuchJob (job: int)

    # This user may not control the pool.
    error NotPermitted (uid: int)

    # The minimum is 0 or more, the maximum 1 to most, and not below the minimum.
    error InvalidSize (minimum: int, maximum: int, most: int)

    # The pool is going down.
    error Stopping ()

    error ReloadFailed (reason: string)

    """

  /// Of the interface that every service has: the text of https://varlink.org/Service, in our words.
  static let serviceDescription = """
    # What every Varlink service reports about itself.
    interface org.varlink.service

    # Its name and version, and the interfaces it has.
    method GetInfo() -> (
      vendor: string,
      product: string,
      version: string,
      url: string,
      interfaces: []string
    )

    # The text that defines an interface.
    method GetInterfaceDescription(interface: string) -> (description: string)

    error InterfaceNotFound (interface: string)

    error MethodNotFound (method: string)

    error MethodNotImplemented (method: string)

    error InvalidParameter (parameter: string)

    error PermissionDenied ()

    # The method must be called with "more".
    error ExpectedMore ()

    """
}
