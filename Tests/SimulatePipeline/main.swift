import Glibc
import LinuxIO
import PipelineSimulation
import Time

/// simulate-pipeline [EVENTS [SEED]] [--brief]: the single lives, and then random ones, one for each seed, until this
/// number of things has happened. If a promise is broken, it prints the steps that lead to that; with --brief only which
/// promise it was.
let isBrief = CommandLine.arguments.contains("--brief")
let arguments = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
let wanted = Int(arguments.first ?? 10_000_000)
let first = arguments.dropFirst().first ?? 1
let start = monotonicNow()
var simulation = Simulation()
var seed = first
if let report = Simulation.liveSingleLives() {
  print(report)
  exit(1)
}
while simulation.events < wanted {
  if let report = simulation.live(seed: seed, brief: isBrief) {
    print(report)
    exit(1)
  }
  seed += 1
}
let seconds = (monotonicNow() - start).seconds
let rate = Int(Double(simulation.events) / seconds)
print(
  "\(simulation.events) events in \(simulation.lives) lives (seeds \(first) to \(seed - 1)): every promise was kept")
print("\(Int(seconds)) s, \(rate) events a second")
for (what, count) in simulation.seen.sorted(by: { $0.key < $1.key }) { print("  \(what): \(count)") }
if wanted >= 300_000, !simulation.missing.isEmpty {
  print("too little of this has happened: \(simulation.missing.joined(separator: ", "))")
  exit(1)
}
