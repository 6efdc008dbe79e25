import Glibc
import Testing

/// The program that a reader would start first.
@Suite struct DemoTests {
  /// Beside the tests, wherever they were built.
  private let program: String = {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/postgres-pool-demo"
  }()

  @Test("statements on stdin are answered with their numbers")
  func statements() async throws {
    let server = try await PostgresServer.shared()
    let output = try await run([
      "sh", "-c", "printf 'SELECT 6 * 7, NULL\\nVALUES (1), (2)\\n' | \"$@\" | sort", "sh", program,
      server.connectionString(),
    ])
    #expect(output == "1\t42\tNULL\n2\t1\n2\t2\n")
  }

  @Test("a thousand statements run in no more sessions than allowed")
  func manyTimes() async throws {
    let server = try await PostgresServer.shared()
    let output = try await run([
      program, "-c", "3", server.connectionString(), "1000", "SELECT pg_backend_pid()",
    ])
    let lines = output.split(separator: "\n").map { $0.split(separator: "\t") }
    #expect(Set(lines.map { $0[0] }).count == 1000)
    #expect((1...3).contains(Set(lines.map { $0[1] }).count))
  }

  @Test("a statement that fails is named, and the exit status tells")
  func failure() async throws {
    let server = try await PostgresServer.shared()
    let error = await #expect(throws: CommandFailed.self) {
      try await run([program, server.connectionString(), "1", "SELECT 1 / 0"])
    }
    #expect(error?.description.hasSuffix("status 256\n1\tdivision by zero (SQLSTATE 22012)\n") == true)
  }
}
