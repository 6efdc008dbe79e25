import Glibc
import Testing

/// The shape of the tree is a promise: these tests read the sources and hold them to it.
@Suite struct LayerTests {
  /// What each target may import of ours, and of the system.
  static let allowed: [String: Set<String>] = [
    "PoolCore": ["Time"], "JobCore": ["Time"], "JobLog": ["Time"], "WireFormats": ["Text"],
    "WorkerProtocols": ["Time", "PoolCore", "JSON", "WireFormats", "Synchronization", "Text"],
    "JSON": ["Time", "Text"], "Records": ["Time", "JSON", "Text"],
    "CommandLineKit": ["Time", "Text"],
    "Timers": ["Time"], "Slabs": [],
    "Text": ["Time"], "Time": [], "Messages": [],
    "WorkerPool": [
      "Time", "JobEngine", "JobCore", "Records", "Messages", "WorkerPoolDriver", "PoolCore", "WorkerProcess",
      "WorkerProtocols", "WireFormats", "EventLoop", "LinuxIO", "DaemonThreads", "Glibc", "Synchronization",
    ],
    "ObjectPool": ["Time", "PoolCore", "Timers", "DaemonThreads", "Glibc", "Synchronization", "Text"],
    "DaemonThreads": ["Glibc"],
    "Chronicle": ["Time", "JobCore", "Text"],
    "ControlProtocol": ["Time", "JSON"],
    "Metrics": ["Time", "PoolCore", "JobCore"],
    "MetricsServer": ["Time", "Metrics", "LinuxIO", "CMicrohttpd", "Glibc"],
    "LinuxIO": ["Time", "CLinux", "Glibc", "Synchronization", "Text"],
    "TopDriver": [
      "Time", "TopView", "ControlClient", "ControlProtocol", "Chronicle", "SystemEvents", "EventLoop", "LinuxIO",
    ],
    "TopView": ["Time", "ControlProtocol", "Chronicle", "Text"],
    "ControlClient": ["Time", "ControlProtocol", "LinuxIO", "Glibc"],
    "ConfigurationFile": ["CommandLineKit", "LinuxIO", "CYaml", "Text"],
    "ServiceManager": ["Time", "Messages", "LinuxIO", "DaemonThreads", "Systemd", "Glibc", "Synchronization", "Text"],
    "Systemd": ["LinuxIO", "CSystemd"],
    "EventLoop": ["Time", "Timers", "LinuxIO"],
    "SystemEvents": ["Time", "EventLoop", "LinuxIO", "Systemd", "Glibc"],
    "WorkerProcess": ["Time", "LinuxIO", "Glibc", "Synchronization", "Text"],
    "WorkerPoolDriver": [
      "Time", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "Slabs", "LinuxIO",
      "Text",
    ],
    "JobSources": ["Time", "JobCore", "JobLog", "Records", "WireFormats", "EventLoop", "LinuxIO"],
    "JobEngine": [
      "Time", "JobSources", "Messages", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPoolDriver", "PoolCore",
      "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
    ],
    "RemotePool": [
      "Time", "JobEngine", "JobSources", "JobCore", "Records", "JSON", "WorkerPoolDriver", "PoolCore", "WorkerProcess",
      "WireFormats",
      "EventLoop", "Timers",
      "LinuxIO",
      "Text",
    ],
    "JobRunner": [
      "Time", "RemotePool", "JobEngine", "JobSources", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPoolDriver",
      "PoolCore",
      "WorkerProcess",
      "WireFormats",
      "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
    ],
    "JobServer": [
      "Time", "JobEngine", "JobSources", "ControlProtocol", "Metrics", "MetricsServer", "ServiceManager", "JobCore",
      "Records", "JSON",
      "WorkerPoolDriver",
      "PoolCore",
      "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Slabs", "Timers", "LinuxIO", "DaemonThreads",
      "Synchronization",
      "Text",
    ],
    "WorkerCheck": [
      "Chronicle", "Time", "WorkerPoolDriver", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats",
      "SystemEvents",
      "EventLoop",
      "Timers",
      "LinuxIO",
      "Text",
    ],
    "prefork": [
      "Time", "CommandLineKit", "ConfigurationFile", "TopDriver", "JobRunner", "RemotePool", "JobServer", "JobEngine",
      "JobSources", "WorkerCheck", "ServiceManager", "ControlClient", "ControlProtocol", "Chronicle", "JobCore",
      "WorkerPoolDriver",
      "PoolCore", "WorkerProtocols", "WorkerProcess", "WireFormats", "LinuxIO", "Glibc", "Text",
    ],
  ]

  @Test("every arrow points down: a target imports only what stands below it", arguments: allowed.keys.sorted())
  func importsPointDown(target: String) throws {
    let files = Tree.sources(of: target)
    #expect(!files.isEmpty, "no sources in \(target)")
    for file in files {
      for module in Tree.imports(of: file) {
        #expect(Self.allowed[target]!.contains(module), "\(file) imports \(module)")
      }
    }
  }

  @Test("every arrow between the floors of the tree points down", arguments: allowed.keys.sorted())
  func floorsPointDown(target: String) throws {
    let floor = try #require(Tree.floor(of: target))
    for module in Self.allowed[target]!.sorted() where Self.allowed[module] != nil {
      #expect(try floor <= #require(Tree.floor(of: module)), "\(target) is below \(module)")
    }
  }

  @Test("no file is over 400 lines")
  func filesAreShort() {
    for file in Tree.files(under: "Sources", ending: ".swift") + Tree.files(under: "Tests", ending: ".swift") {
      let lines = Tree.text(of: file).split(separator: "\n", omittingEmptySubsequences: false).count
      #expect(lines <= 400, "\(file) has \(lines) lines")
    }
  }

  @Test("the cores have no `default:` that could hide a new state or event", arguments: ["PoolCore", "JobCore"])
  func coresAreExhaustive(target: String) {
    for file in Tree.sources(of: target) {
      #expect(!Tree.text(of: file).contains("default:"), "\(file)")
    }
  }

  @Test(
    "tests of the cores never sleep",
    arguments: [
      "PoolCoreTests", "JobCoreTests", "JobLogTests", "WireFormatsTests", "WorkerProtocolsTests",
      "JSONTests", "RecordsTests", "CommandLineKitTests",
      "ChronicleTests", "MetricsTests", "ControlProtocolTests", "TopViewTests",
    ])
  func coreTestsNeverSleep(target: String) {
    for file in Tree.files(under: "Tests/\(target)", ending: ".swift") {
      #expect(!Tree.text(of: file).contains("sleep("), "\(file)")
    }
  }

  @Test("a source of jobs is known by its name only where a run begins")
  func sourcesAreInterchangeable() {
    for target in ["JobRunner", "JobEngine", "RemotePool"] {
      for file in Tree.sources(of: target) where !file.hasSuffix("/JobRunner/Run.swift") {
        #expect(!Tree.text(of: file).contains("StandardInput"), "\(file)")
      }
    }
  }

  @Test("nothing uses Foundation")
  func noFoundation() {
    for file in Tree.files(under: "Sources", ending: ".swift") {
      #expect(!Tree.imports(of: file).contains { $0.hasPrefix("Foundation") }, "\(file)")
    }
  }
}

/// The project's tree, found from this file.
enum Tree {
  static var root: String { #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } }

  /// From the top. The libraries for tasks stand beside them, and nothing of ours uses them.
  static let libraries = ["ObjectPool", "WorkerPool"]
  static let floors = ["Commands", "Service", "Jobs", "Workers", "System", "Core"]

  /// The floor of a target.
  static func floor(of target: String) -> Int? {
    if libraries.contains(target) { return -1 }
    return floors.indices.first { access("\(root)/Sources/\(floors[$0])/\(target)", F_OK) == 0 }
  }

  /// The Swift files of a target.
  static func sources(of target: String) -> [String] {
    guard let floor = floor(of: target) else { return [] }
    return files(under: floor < 0 ? "Sources/\(target)" : "Sources/\(floors[floor])/\(target)", ending: ".swift")
  }

  static func files(under folder: String, ending: String) -> [String] {
    var found: [String] = []
    guard let directory = opendir("\(root)/\(folder)") else { return [] }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") { continue }
      if entry.pointee.d_type == DT_DIR {
        found += files(under: "\(folder)/\(name)", ending: ending)
      } else if name.hasSuffix(ending) {
        found.append("\(folder)/\(name)")
      }
    }
    return found.sorted()
  }

  static func text(of file: String) -> String {
    guard let stream = fopen("\(root)/\(file)", "r") else { return "" }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&block, 1, block.count, stream), count > 0 { bytes += block[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Modules named by import lines, with or without an access level or attribute.
  static func imports(of file: String) -> [String] {
    text(of: file).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
        words[..<place].allSatisfy({ $0.hasPrefix("@") || ["public", "internal", "package", "private"].contains($0) })
      else { return nil }
      // `import struct Module.Name` names its module, too.
      let isWhole = place + 2 == words.count || !["struct", "class", "enum", "protocol"].contains(words[place + 1])
      return words[place + (isWhole ? 1 : 2)].split(separator: ".").first.map(String.init)
    }
  }
}
