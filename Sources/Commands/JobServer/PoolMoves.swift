/// The state of a pool at one moment; two of them show whether it makes progress.
///
/// No progress is: at both moments jobs waited that could run at once, and workers stood idle that could run them; and
/// in between no job was given to a worker, no job has ended, and no worker was started. That is a defect of ours,
/// which nothing but a restart will cure. Everything else is life: jobs may take hours, workers may not start, and
/// nobody may want anything.
struct PoolMoves: Equatable {
  /// Jobs that wait for nothing but a worker.
  var waiting: Int
  /// Workers that wait for nothing but a job.
  var idle: Int
  /// Jobs that were given to the workers that live.
  var given: Int
  /// Jobs that have ended.
  var settled: Int
  /// Workers that were started.
  var starts: Int

  /// Whether nothing has moved since then that should have.
  func isStuck(since earlier: PoolMoves) -> Bool {
    guard waiting > 0, idle > 0, earlier.waiting > 0, earlier.idle > 0 else { return false }
    return (given, settled, starts) == (earlier.given, earlier.settled, earlier.starts)
  }
}
