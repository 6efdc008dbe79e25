import JobLog
import JobEngine
import LinuxIO
import Text

/// The joblog: one line for each job that has come out, never before its result has left us. What a kill tears is cut
/// off when the file is used again.
struct JobLogFile: ~Copyable {
  private var file: AppendedFile
  /// Lines whose results have not all been written yet, and up to which byte of the output each must wait.
  private var held: [UInt8] = []
  /// Bytes of a last line that a kill or a full disk had torn, and that were cut off.
  let tornBytes: Int
  private var marks: [(output: UInt64, end: Int)] = []

  /// Opens the file, which nobody else may be writing. With `resumes` an existing one is read into `index` and
  /// repaired; without, it must not hold the log of another run.
  init(path: String, resumes: Bool, showsUsage: Bool, into index: inout ResumeIndex) throws(UnusableFile) {
    let opened: ExclusiveFile
    do throws(SystemError) {
      opened = try ExclusiveFile(path: path)
    } catch {
      guard error.isLocked else { throw UnusableFile(error) }
      let holder = lockHolder(of: path).map { " (pid \($0))" } ?? ""
      throw UnusableFile("\(path) is being written by another run\(holder)")
    }
    let repair = try Self.read(opened, path: path, into: &index)
    if !resumes, index.wholeLines > 0 {
      let run = "a run of \(plural(index.wholeLines, "job"))"
      throw UnusableFile("\(path) is the joblog of \(run); to go on with it, give --resume")
    }
    do throws(SystemError) {
      if repair.tornBytes > 0 { try opened.truncate(to: repair.keptBytes) }
    } catch {
      throw UnusableFile(error)
    }
    tornBytes = repair.tornBytes
    file = AppendedFile(opened.release())
    guard repair.needsHeader else { return }
    var header: [UInt8] = []
    JobLogHeader.append(withUsage: showsUsage, to: &header)
    file.append(header)
  }

  private static func read(
    _ file: borrowing ExclusiveFile, path: String, into index: inout ResumeIndex
  ) throws(UnusableFile) -> ResumeIndex.Repair {
    var failure: JobLogError?
    do throws(SystemError) {
      try file.read { block in
        guard failure == nil else { return }
        do throws(JobLogError) { try index.feed(block.bytes) } catch { failure = error }
      }
    } catch {
      throw UnusableFile(error)
    }
    do throws(JobLogError) {
      if let failure { throw failure }
      return try index.finish()
    } catch {
      throw UnusableFile("\(path): \(error)")
    }
  }

  /// What to wait for when a FIFO takes no more at the moment.
  var blockedDescriptor: CInt? { file.blockedDescriptor }

  /// Adds a line that may be written once `output` bytes of the output have been written.
  mutating func append(_ line: JobLogLine, command: [UInt8], after output: UInt64) {
    line.append(command: command.span.bytes, to: &held)
    marks.append((output, held.count))
  }

  /// Writes the lines of all jobs whose results are out, now that `output` bytes of the output are written. Returns the
  /// error of the write, or nil.
  mutating func flush(upTo output: UInt64) -> SystemError? {
    let ready = marks.prefix { $0.output <= output }
    if let last = ready.last {
      held.withUnsafeBytes { file.append(UnsafeRawBufferPointer(rebasing: $0[..<last.end])) }
      held.removeSubrange(..<last.end)
      marks.removeSubrange(..<ready.endIndex)
      for index in marks.indices { marks[index].end -= last.end }
    }
    return file.flush()
  }
}

/// What to wait for when the joblog is a FIFO that takes no more at the moment.
func blockedDescriptor(of log: borrowing JobLogFile?) -> CInt? {
  switch log {
  case .some(let open): open.blockedDescriptor
  case .none: nil
  }
}

/// A file that the run was asked to write, and cannot use.
struct UnusableFile: Error {
  /// What is wrong with it, and what to try.
  let reason: String

  init(_ reason: String) { self.reason = reason }
  init(_ error: SystemError) { reason = "\(error)" }
}
