import CommandLineKit
import ControlClient
import ControlProtocol
import LinuxIO

/// Asks a served pool for what the command names and returns the exit status.
func controlCommand(_ subcommand: Subcommand, _ arguments: ParsedArguments) -> ExitCode {
  // Else the connection could be taken for a closed stdout.
  let closed = openClosedStandardDescriptors()
  let request = controlRequest(subcommand, arguments)
  do throws(ControlClientError) {
    var client = try ControlClient(connectingTo: ValueKind.controlAddress.value(of: arguments.operands[0]))
    switch request {
    case .drain, .stop: return try end(request, &client)
    case .status, .watch, .scale, .recycle, .metrics, .cancelJob, .jobs, .reload:
      let reply = try client.ask(request)
      if closed.stdout, reply != .done {
        printError("prefork: stdout is closed: there is nowhere to write the answer\n")
        return .outputFailed
      }
      return show(reply, asJSON: arguments[ControlOptions.json])
    }
  } catch {
    return tell(error)
  }
}

/// Reports on stderr why a pool does not do what it was asked for, and gives the exit status.
func tell(_ error: ControlClientError) -> ExitCode {
  printError("prefork: \(error)\n" + (error.hint.map { "hint: \($0)\n" } ?? ""))
  return exitCode(of: error)
}

/// What the command asks for.
private func controlRequest(_ subcommand: Subcommand, _ arguments: ParsedArguments) -> ControlRequest {
  let onePool = arguments[ControlOptions.onePool]
  let somePools = arguments[ControlOptions.somePools]
  switch subcommand {
  case .status: return .status(pool: somePools)
  case .jobs: return .jobs(pool: onePool, limit: arguments[ControlOptions.limit])
  case .metrics: return .metrics
  case .scale:
    let workers = ControlOptions.workers.value(of: arguments.operands[1])
    return .scale(pool: onePool, minimum: workers.lowerBound, maximum: workers.upperBound)
  case .recycle:
    let slots = arguments.operands.dropFirst().map(ControlOptions.slot.value)
    return .recycle(pool: somePools, slots: slots.isEmpty ? nil : slots)
  case .reload: return .reload
  case .cancel: return .cancelJob(pool: onePool, job: ControlOptions.job.value(of: arguments.operands[1]))
  case .drain: return .drain(pool: somePools, waits: true)
  case .stop: return .stop(pool: somePools, waits: true)
  case .run, .serve, .submit, .check, .top, .help, .completions, .man:
    preconditionFailure("\(subcommand) controls no pool")
  }
}

extension ValueKind {
  /// The value of an operand, which the parser has checked.
  func value(of text: String) -> Value {
    do throws(ValueError) {
      return try parse(text)
    } catch {
      preconditionFailure("the parser accepted \(text)")
    }
  }
}

/// Starts the end of a pool, and waits for it.
private func end(_ request: ControlRequest, _ client: inout ControlClient) throws(ControlClientError) -> ExitCode {
  let isDrain = if case .drain = request { true } else { false }
  try client.send(request)
  guard var answer = try client.nextAnswer(to: request) else { throw .closed(client.path) }
  if answer.continues { printError("prefork: \(isDrain ? "draining" : "stopping"); leave with Ctrl-C, it goes on\n") }
  while answer.continues, let next = try client.nextAnswer(to: request, forEver: true) { answer = next }
  printError("prefork: \(isDrain ? "drained" : "stopped")\n")
  return .ok
}

private func show(_ reply: ControlReply, asJSON: Bool) -> ExitCode {
  if asJSON { return printText(String(decoding: reply.json, as: UTF8.self) + "\n") }
  switch reply {
  case .status(let pools): return printText(pools.map(statusPage).joined(separator: "\n"))
  case .jobs(let jobs): return printText(jobsPage(jobs))
  case .metrics(let text): return printText(text)
  case .accepted, .done: return .ok
  }
}

private func exitCode(of error: ControlClientError) -> ExitCode {
  switch error {
  case .noSocket, .notASocket, .nobodyListens, .noAnswer, .closed, .system, .malformed: .unavailable
  case .notPermitted, .refused(.notPermitted), .refused(.permissionDenied): .noPermission
  case .refused(.stopping): .stoppedEarly
  case .refused: .someJobsNotOK
  }
}
