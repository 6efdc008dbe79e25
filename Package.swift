// swift-tools-version: 6.2
import PackageDescription

// Every arrow points down: a target may use only what stands below it here.
// The pure targets at the bottom import nothing at all, not even the C library.
let package = Package(
  name: "prefork",
  products: [
    .executable(name: "prefork", targets: ["prefork"]),
    .library(name: "WorkerPool", targets: ["WorkerPool", "EventLoop", "WorkerProcess", "WireFormats", "LinuxIO"]),
    .library(name: "ObjectPool", targets: ["ObjectPool"]),
    .library(name: "PoolCore", targets: ["PoolCore"]),
  ],
  targets: [
    .executableTarget(
      name: "prefork",
      dependencies: [
        "CommandLineKit", "ConfigurationFile", "TopDriver", "JobRunner", "RemotePool", "JobServer", "JobEngine",
        "WorkerCheck", "ServiceManager", "ControlClient", "ControlProtocol", "Chronicle", "JobCore", "WorkerPool",
        "PoolCore", "WorkerProcess",
        "WireFormats", "LinuxIO", "Text", "COutOfMemory",
      ]),
    .target(name: "COutOfMemory"),
    .target(
      name: "JobRunner",
      dependencies: [
        "RemotePool", "JobEngine", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool", "PoolCore",
        "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ]),
    .target(
      name: "RemotePool",
      dependencies: [
        "JobEngine", "JobCore", "Records", "WorkerPool", "WorkerProcess", "WireFormats", "EventLoop", "Timers",
        "LinuxIO", "Text",
      ]),
    .target(
      name: "JobServer",
      dependencies: [
        "JobEngine", "ControlProtocol", "Metrics", "MetricsServer", "ServiceManager", "JobCore", "Records",
        "WorkerPool", "PoolCore",
        "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Timers", "LinuxIO", "DaemonThreads", "Text",
      ]),
    .target(
      name: "JobEngine",
      dependencies: [
        "ServiceManager", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool", "PoolCore", "WorkerProcess",
        "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ]),
    .target(
      name: "WorkerCheck",
      dependencies: [
        "WorkerPool", "PoolCore", "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Timers", "LinuxIO",
        "Text",
      ]),
    .target(
      name: "WorkerPool",
      dependencies: ["PoolCore", "WorkerProcess", "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text"]),
    .target(name: "ObjectPool", dependencies: ["PoolCore", "Timers", "DaemonThreads", "Text"]),
    .target(name: "WorkerProcess", dependencies: ["LinuxIO"]),
    .target(name: "MetricsServer", dependencies: ["Metrics", "LinuxIO", "CMicrohttpd"]),
    .target(name: "CMicrohttpd"),
    .target(name: "SystemEvents", dependencies: ["EventLoop", "LinuxIO", "Systemd"]),
    .target(name: "EventLoop", dependencies: ["Timers", "LinuxIO"]),
    .target(name: "ServiceManager", dependencies: ["LinuxIO", "DaemonThreads", "Systemd", "Text"]),
    .target(name: "Systemd", dependencies: ["LinuxIO", "CSystemd"]),
    .target(name: "CSystemd"),
    .target(name: "LinuxIO", dependencies: ["CLinux"]),
    .target(name: "DaemonThreads"),
    .target(name: "CLinux"),
    .target(
      name: "TopDriver",
      dependencies: [
        "TopView", "ControlClient", "ControlProtocol", "Chronicle", "SystemEvents", "EventLoop", "LinuxIO",
      ]),
    .target(name: "TopView", dependencies: ["ControlProtocol", "Chronicle", "Text"]),
    .target(name: "ControlClient", dependencies: ["ControlProtocol", "LinuxIO"]),
    .target(name: "Chronicle", dependencies: ["JobCore", "Text"]),
    .target(name: "ControlProtocol", dependencies: ["Records"]),
    .target(name: "Metrics", dependencies: ["PoolCore", "JobCore"]),
    .target(name: "ConfigurationFile", dependencies: ["CommandLineKit", "LinuxIO", "CYaml"]),
    // Without pkg-config, which would name the folder of the shared library before any other: `make build` has the static one.
    .systemLibrary(name: "CYaml", providers: [.apt(["libyaml-dev"])]),

    // Pure: no I/O, no clock, no randomness of their own.
    .target(name: "PoolCore"),
    .target(name: "Timers"),
    .target(name: "JobCore"),
    .target(name: "JobLog"),
    .target(name: "WireFormats", dependencies: ["Text"]),
    .target(name: "Records"),
    .target(name: "CommandLineKit"),
    .target(name: "Text"),

    .target(name: "TestSupport", path: "Tests/TestSupport"),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .testTarget(name: "PoolCoreTests", dependencies: ["PoolCore"]),
    .testTarget(name: "TextTests", dependencies: ["Text"]),
    .testTarget(name: "TimersTests", dependencies: ["Timers", "TestSupport"]),
    .testTarget(name: "ObjectPoolTests", dependencies: ["ObjectPool", "PoolCore", "DaemonThreads", "TestSupport"]),
    .testTarget(name: "JobCoreTests", dependencies: ["JobCore", "TestSupport"]),
    .testTarget(name: "ChronicleTests", dependencies: ["Chronicle", "JobCore", "Records", "TestSupport"]),
    .testTarget(name: "TopViewTests", dependencies: ["TopView", "ControlProtocol", "Chronicle", "TestSupport"]),
    .testTarget(name: "JobLogTests", dependencies: ["JobLog", "JobCore", "TestSupport"]),
    .testTarget(name: "WireFormatsTests", dependencies: ["WireFormats", "TestSupport"]),
    .testTarget(name: "RecordsTests", dependencies: ["Records", "TestSupport"]),
    .testTarget(name: "ControlProtocolTests", dependencies: ["ControlProtocol", "TestSupport"]),
    .testTarget(
      name: "ControlClientTests", dependencies: ["ControlClient", "ControlProtocol", "LinuxIO", "TestSupport"]),
    .testTarget(name: "CommandLineKitTests", dependencies: ["CommandLineKit", "TestSupport"]),
    .testTarget(
      name: "ConfigurationFileTests", dependencies: ["ConfigurationFile", "CommandLineKit", "TestSupport"]),
    .testTarget(name: "LinuxIOTests", dependencies: ["LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(name: "ServiceManagerTests", dependencies: ["ServiceManager", "LinuxIO", "TestSupport"]),
    .testTarget(name: "EventLoopTests", dependencies: ["SystemEvents", "EventLoop", "LinuxIO", "TestSupport"]),
    .testTarget(name: "WorkerProcessTests", dependencies: ["WorkerProcess", "LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(name: "EmbeddedPoolTests", dependencies: ["WorkerPool", "TestSupport"]),
    .testTarget(name: "RemotePoolTests", dependencies: ["RemotePool", "JobCore", "LinuxIO"]),
    .testTarget(
      name: "JobEngineTests",
      dependencies: ["JobEngine", "ServiceManager", "WorkerPool", "PoolCore", "LinuxIO", "TestSupport"]),
    .testTarget(
      name: "JobServerTests", dependencies: ["JobServer", "WireFormats", "LinuxIO", "TestSupport"]),
    .testTarget(name: "JobRunnerTests", dependencies: ["JobRunner", "LinuxIO"]),
    .testTarget(name: "WorkerCheckTests", dependencies: ["WorkerCheck"]),
    .testTarget(
      name: "MetricsTests", dependencies: ["Metrics", "PoolCore", "JobCore", "TestSupport"], exclude: ["parse.py"]),
    .testTarget(
      name: "MetricsServerTests", dependencies: ["MetricsServer", "Metrics", "EventLoop", "LinuxIO", "TestSupport"]),
    .testTarget(name: "ArchitectureTests"),
    .testTarget(
      name: "EndToEndTests", dependencies: ["prefork", "CommandLineKit", "ControlProtocol", "TestSupport"],
      exclude: ["fake_server.py", "slow_client.py", "deny.py"]),
  ],
  swiftLanguageModes: [.v6]
)
