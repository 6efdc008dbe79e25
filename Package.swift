// swift-tools-version: 6.2
import PackageDescription

// Every arrow points down: a target may use only what stands below it here.
// The pure targets at the bottom import nothing at all, not even the C library.
let package = Package(
  name: "prefork",
  products: [
    .executable(name: "prefork", targets: ["prefork"]),
    .library(name: "WorkerPool", targets: ["WorkerPool"]),
    .library(name: "ObjectPool", targets: ["ObjectPool"]),
    .library(name: "PoolCore", targets: ["PoolCore"]),
  ],
  targets: [
    .executableTarget(
      name: "prefork",
      dependencies: [
        "CommandLineKit", "JobRunner", "RemotePool", "JobEngine", "WorkerCheck", "Chronicle", "JobCore", "WorkerPool",
        "PoolCore", "WorkerProcess",
        "WireFormats", "LinuxIO",
      ]),
    .target(
      name: "JobRunner",
      dependencies: [
        "RemotePool", "JobEngine", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool", "PoolCore",
        "WorkerProcess", "WireFormats", "EventLoop", "Timers", "LinuxIO",
      ]),
    .target(
      name: "RemotePool",
      dependencies: [
        "JobEngine", "JobCore", "Records", "WorkerPool", "WorkerProcess", "WireFormats", "EventLoop", "Timers",
        "LinuxIO",
      ]),
    .target(
      name: "JobEngine",
      dependencies: [
        "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool", "PoolCore", "WorkerProcess", "WireFormats",
        "EventLoop", "Timers", "LinuxIO",
      ]),
    .target(
      name: "WorkerCheck",
      dependencies: ["WorkerPool", "PoolCore", "WorkerProcess", "WireFormats", "EventLoop", "Timers", "LinuxIO"]),
    .target(
      name: "WorkerPool", dependencies: ["PoolCore", "WorkerProcess", "WireFormats", "EventLoop", "Timers", "LinuxIO"]),
    .target(name: "ObjectPool", dependencies: ["PoolCore", "Timers"]),
    .target(name: "WorkerProcess", dependencies: ["LinuxIO"]),
    .target(name: "EventLoop", dependencies: ["Timers", "LinuxIO", "CSystemd"]),
    .target(name: "LinuxIO", dependencies: ["CLinux"]),
    .target(name: "CLinux"),
    .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
    .target(name: "Chronicle", dependencies: ["JobCore"]),
    .target(name: "ControlProtocol", dependencies: ["Records"]),

    // Pure: no I/O, no clock, no randomness of their own.
    .target(name: "PoolCore"),
    .target(name: "Timers"),
    .target(name: "JobCore"),
    .target(name: "JobLog"),
    .target(name: "WireFormats"),
    .target(name: "Records"),
    .target(name: "CommandLineKit"),

    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .testTarget(name: "PoolCoreTests", dependencies: ["PoolCore"]),
    .testTarget(name: "TimersTests", dependencies: ["Timers", "TestSupport"]),
    .testTarget(name: "ObjectPoolTests", dependencies: ["ObjectPool", "PoolCore", "TestSupport"]),
    .testTarget(name: "JobCoreTests", dependencies: ["JobCore", "TestSupport"]),
    .testTarget(name: "ChronicleTests", dependencies: ["Chronicle", "JobCore", "Records", "TestSupport"]),
    .testTarget(name: "JobLogTests", dependencies: ["JobLog", "JobCore", "TestSupport"]),
    .testTarget(name: "WireFormatsTests", dependencies: ["WireFormats", "TestSupport"]),
    .testTarget(name: "RecordsTests", dependencies: ["Records", "TestSupport"]),
    .testTarget(name: "ControlProtocolTests", dependencies: ["ControlProtocol", "TestSupport"]),
    .testTarget(name: "CommandLineKitTests", dependencies: ["CommandLineKit", "TestSupport"]),
    .testTarget(name: "LinuxIOTests", dependencies: ["LinuxIO", "TestSupport"]),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "TestSupport"]),
    .testTarget(name: "WorkerProcessTests", dependencies: ["WorkerProcess", "LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(name: "RemotePoolTests", dependencies: ["RemotePool", "JobCore", "LinuxIO"]),
    .testTarget(name: "JobEngineTests", dependencies: ["JobEngine", "LinuxIO", "TestSupport"]),
    .testTarget(name: "JobRunnerTests", dependencies: ["JobRunner", "LinuxIO", "TestSupport"]),
    .testTarget(name: "WorkerCheckTests", dependencies: ["WorkerCheck"]),
    .testTarget(name: "ArchitectureTests"),
    .testTarget(name: "EndToEndTests", dependencies: ["prefork", "TestSupport"], exclude: ["fake_server.py"]),
  ],
  swiftLanguageModes: [.v6]
)
