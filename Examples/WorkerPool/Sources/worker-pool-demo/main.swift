import WorkerPool

// A hundred jobs at once through a pool of workers, each as a task; one of them kills its worker.

let worker = #"while read -r job; do [ "$job" = "job 13" ] && exit 1; echo "reply to $job"; done"#

var configuration = WorkerPool.Configuration(["sh", "-c", worker], workers: 2)
configuration.timeout = .seconds(60)
let pool = try await WorkerPool.start(configuration)

let events = pool.events
let watcher = Task {
  var deaths = 0
  for await event in events { if case .died = event { deaths += 1 } }
  return deaths
}

await withTaskGroup(of: String.self) { group in
  for number in 1...100 {
    group.addTask {
      do {
        return try await pool.run("job \(number)")
      } catch WorkerPoolError.jobFailed(let failure) {
        return "job \(number): \(failure.outcome)"
      } catch {
        return "\(error)"
      }
    }
  }
  for await line in group { print(line) }
}

await pool.stop()
print("\(await watcher.value) worker died")
