import Glibc
import ObjectPool
import PostgresPool

let usage = """
  usage: postgres-pool-demo [-c CONNECTIONS] CONNINFO              runs the statements on stdin, one per line
         postgres-pool-demo [-c CONNECTIONS] CONNINFO TIMES SQL    runs one statement many times

  Statements run side by side, through a pool of at most CONNECTIONS (default 4) sessions. Answers come as they are ready:
  the statement's number, then the columns, separated by tabs. The exit status is 1 if a statement failed.
  Example: postgres-pool-demo -c 8 host=/run/postgresql 10000 'SELECT pg_backend_pid()' | cut -f 2 | sort | uniq -c

  """

/// One write(2) for each message, so that messages of several tasks do not mix.
@Sendable func complain(_ message: String) {
  _ = message.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
}

func fail(_ message: String) -> Never {
  complain(message)
  exit(2)
}

var arguments = Array(CommandLine.arguments.dropFirst())
var size = 4
if arguments.first == "-c" {
  guard arguments.count > 1, let count = Int(arguments[1]), count > 0 else { fail(usage) }
  size = count
  arguments.removeFirst(2)
}
guard let connectionString = arguments.first, connectionString != "--help" else { fail(usage) }

let statements: AnySequence<String>
switch arguments.count {
case 1:
  statements = AnySequence { AnyIterator { readLine() } }
case 3:
  guard let times = Int(arguments[1]), times >= 0 else { fail(usage) }
  let statement = arguments[2]
  statements = AnySequence((0..<times).lazy.map { _ in statement })
default:
  fail(usage)
}

// All that it takes. A pool opens sessions when they are needed, so nothing can fail here.
let pool = ObjectPool(.postgres(size: size), factory: PostgresFactory(connectionString))

/// Runs one statement in a session that nobody else has meanwhile.
/// - Returns: whether it worked.
@Sendable func run(_ statement: String, number: Int) async -> Bool {
  do {
    let result = try await pool.withObject { connection in try await connection.query(statement) }
    for row in result.rows {
      print(([String(number)] + row.map { $0 ?? "NULL" }).joined(separator: "\t"))
    }
    return true
  } catch {
    complain("\(number)\t\(error)\n")
    return false
  }
}

let failures = await withTaskGroup(of: Bool.self) { group in
  var failures = 0
  for (index, statement) in statements.enumerated() {
    // Twice as many tasks as sessions keep all sessions at work; a task for each of a million lines would only fill
    // memory.
    if index >= 2 * size, await group.next() == false { failures += 1 }
    group.addTask { await run(statement, number: index + 1) }
  }
  for await worked in group where !worked { failures += 1 }
  return failures
}
await pool.close(within: .seconds(5))
exit(failures == 0 ? 0 : 1)
