// swift-tools-version: 6.2
import PackageDescription

// Every arrow points down: a target may use only what stands below it here.
// The pure targets at the bottom import nothing at all, not even the C library.
let package = Package(
  name: "prefork",
  products: [
    .executable(name: "prefork", targets: ["prefork"]),
    .library(
      name: "WorkerPool",
      targets: [
        "WorkerPool", "EventLoop", "WorkerProcess", "WorkerProtocols", "WireFormats", "LinuxIO", "Time",
      ]),
    .library(name: "ObjectPool", targets: ["ObjectPool"]),
    .library(name: "PoolCore", targets: ["PoolCore", "Time"]),
  ],
  targets: [
    .executableTarget(
      name: "prefork",
      dependencies: [
        "Time", "CommandLineKit", "ConfigurationFile", "TopDriver", "JobRunner", "RemotePool", "JobServer", "JobEngine",
        "JobSources", "WorkerCheck", "ServiceManager", "ControlClient", "ControlProtocol", "Chronicle", "JobCore",
        "WorkerPool",
        "PoolCore", "WorkerProcess",
        "WireFormats", "LinuxIO", "Text", "COutOfMemory",
      ]),
    .target(name: "COutOfMemory"),
    .target(
      name: "JobRunner",
      dependencies: [
        "Time", "RemotePool", "JobEngine", "JobSources", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool",
        "PoolCore",
        "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ]),
    .target(
      name: "RemotePool",
      dependencies: [
        "Time", "JobEngine", "JobSources", "JobCore", "Records", "WorkerPool", "PoolCore", "WorkerProcess",
        "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ]),
    .target(
      name: "JobServer",
      dependencies: [
        "Time", "JobEngine", "JobSources", "ControlProtocol", "Metrics", "MetricsServer", "ServiceManager", "JobCore",
        "Records",
        "WorkerPool", "PoolCore",
        "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Slabs", "Timers", "LinuxIO", "DaemonThreads",
        "Text",
      ]),
    .target(
      name: "JobEngine",
      dependencies: [
        "Time", "JobSources", "ServiceManager", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool", "PoolCore",
        "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ]),
    .target(
      name: "JobSources",
      dependencies: ["Time", "JobCore", "JobLog", "Records", "WireFormats", "EventLoop", "LinuxIO"]),
    .target(
      name: "WorkerCheck",
      dependencies: [
        "Time", "Chronicle", "WorkerPool", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats",
        "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ]),
    .target(
      name: "WorkerPool",
      dependencies: [
        "Time", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "Slabs",
        "LinuxIO", "Text",
      ]),
    .target(name: "ObjectPool", dependencies: ["Time", "PoolCore", "Timers", "DaemonThreads", "Text"]),
    .target(name: "WorkerProcess", dependencies: ["Time", "LinuxIO", "Text"]),
    .target(name: "MetricsServer", dependencies: ["Time", "Metrics", "LinuxIO", "CMicrohttpd"]),
    .target(name: "CMicrohttpd"),
    .target(name: "SystemEvents", dependencies: ["EventLoop", "LinuxIO", "Systemd"]),
    .target(name: "EventLoop", dependencies: ["Time", "Timers", "LinuxIO"]),
    .target(name: "ServiceManager", dependencies: ["Time", "LinuxIO", "DaemonThreads", "Systemd", "Text"]),
    .target(name: "Systemd", dependencies: ["LinuxIO", "CSystemd"]),
    .target(name: "CSystemd"),
    .target(name: "LinuxIO", dependencies: ["Time", "CLinux", "Text"]),
    .target(name: "DaemonThreads"),
    .target(name: "CLinux"),
    .target(
      name: "TopDriver",
      dependencies: [
        "Time", "TopView", "ControlClient", "ControlProtocol", "Chronicle", "SystemEvents", "EventLoop", "LinuxIO",
      ]),
    .target(name: "TopView", dependencies: ["Time", "ControlProtocol", "Chronicle", "Text"]),
    .target(name: "ControlClient", dependencies: ["Time", "ControlProtocol", "LinuxIO"]),
    .target(name: "Chronicle", dependencies: ["Time", "JobCore", "Text"]),
    .target(name: "ControlProtocol", dependencies: ["Time", "Records"]),
    .target(name: "Metrics", dependencies: ["Time", "PoolCore", "JobCore"]),
    .target(name: "ConfigurationFile", dependencies: ["CommandLineKit", "LinuxIO", "CYaml", "Text"]),
    // Without pkg-config, which would name the folder of the shared library before any other: `make build` has the
    // static one.
    .systemLibrary(name: "CYaml", providers: [.apt(["libyaml-dev"])]),

    // Pure: no I/O, no clock, no randomness of their own.
    .target(name: "PoolCore", dependencies: ["Time"]),
    .target(name: "Timers", dependencies: ["Time"]),
    .target(name: "Slabs"),
    .target(name: "JobCore", dependencies: ["Time"]),
    .target(name: "JobLog", dependencies: ["Time"]),
    .target(name: "WorkerProtocols", dependencies: ["WireFormats"]),
    .target(name: "WireFormats", dependencies: ["Text"]),
    .target(name: "Records", dependencies: ["Time", "Text"]),
    .target(name: "CommandLineKit", dependencies: ["Time", "Text"]),
    .target(name: "Text", dependencies: ["Time"]),
    .target(name: "Time"),

    .target(name: "TestSupport", dependencies: ["Time"], path: "Tests/TestSupport"),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .target(
      name: "PipelineSimulation",
      dependencies: [
        "Time", "TestSupport", "JobEngine", "JobCore", "WorkerPool", "PoolCore", "WorkerProcess", "WireFormats",
        "EventLoop", "LinuxIO",
      ],
      path: "Tests/PipelineSimulation"),
    .executableTarget(
      name: "simulate-pipeline", dependencies: ["Time", "PipelineSimulation", "LinuxIO"], path: "Tests/SimulatePipeline"
    ),
    .testTarget(
      name: "PipelineSimulationTests",
      dependencies: [
        "Time", "TestSupport", "PipelineSimulation", "JobEngine", "JobCore", "WorkerPool", "PoolCore", "WorkerProcess",
        "EventLoop",
      ]),
    .testTarget(name: "PoolCoreTests", dependencies: ["Time", "TestSupport", "PoolCore"]),
    .testTarget(name: "TimeTests", dependencies: ["Time"]),
    .testTarget(name: "TextTests", dependencies: ["Text", "Time", "TestSupport"]),
    .testTarget(name: "TimersTests", dependencies: ["Time", "Timers", "TestSupport"]),
    .testTarget(
      name: "ObjectPoolTests", dependencies: ["Time", "ObjectPool", "PoolCore", "DaemonThreads", "TestSupport"]),
    .testTarget(name: "JobCoreTests", dependencies: ["Time", "JobCore", "TestSupport"]),
    .testTarget(name: "ChronicleTests", dependencies: ["Time", "Chronicle", "JobCore", "Records", "TestSupport"]),
    .testTarget(
      name: "TopViewTests", dependencies: ["Time", "TopView", "ControlProtocol", "Chronicle", "TestSupport"]),
    .testTarget(name: "JobLogTests", dependencies: ["Time", "JobLog", "JobCore", "TestSupport"]),
    .testTarget(name: "WireFormatsTests", dependencies: ["Time", "WireFormats", "TestSupport"]),
    .testTarget(name: "WorkerProtocolsTests", dependencies: ["WorkerProtocols", "WireFormats", "TestSupport"]),
    .testTarget(name: "RecordsTests", dependencies: ["Time", "Records", "TestSupport"]),
    .testTarget(name: "ControlProtocolTests", dependencies: ["Time", "ControlProtocol", "TestSupport"]),
    .testTarget(
      name: "ControlClientTests", dependencies: ["Time", "ControlClient", "ControlProtocol", "LinuxIO", "TestSupport"]),
    .testTarget(name: "CommandLineKitTests", dependencies: ["Time", "CommandLineKit", "TestSupport"]),
    .testTarget(
      name: "ConfigurationFileTests", dependencies: ["Time", "ConfigurationFile", "CommandLineKit", "TestSupport"]),
    .testTarget(name: "LinuxIOTests", dependencies: ["Time", "LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(name: "ServiceManagerTests", dependencies: ["Time", "ServiceManager", "LinuxIO", "TestSupport"]),
    .testTarget(name: "EventLoopTests", dependencies: ["Time", "SystemEvents", "EventLoop", "LinuxIO", "TestSupport"]),
    .testTarget(
      name: "WorkerProcessTests", dependencies: ["Time", "WorkerProcess", "LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(name: "EmbeddedPoolTests", dependencies: ["Time", "WorkerPool", "TestSupport"]),
    .testTarget(name: "RemotePoolTests", dependencies: ["Time", "TestSupport", "RemotePool", "JobCore", "LinuxIO"]),
    .testTarget(
      name: "JobEngineTests",
      dependencies: [
        "Time", "JobEngine", "JobSources", "JobCore", "JobLog", "ServiceManager", "WorkerPool", "PoolCore",
        "WorkerProtocols", "WireFormats", "EventLoop", "LinuxIO", "TestSupport",
      ]),
    .testTarget(name: "JobSourcesTests", dependencies: ["JobSources", "WireFormats", "EventLoop", "LinuxIO"]),
    .testTarget(
      name: "JobServerTests", dependencies: ["Time", "JobServer", "WireFormats", "LinuxIO", "TestSupport"]),
    .testTarget(
      name: "JobRunnerTests",
      dependencies: [
        "Time", "TestSupport", "JobRunner", "JobEngine", "JobSources", "JobCore", "Chronicle", "Records", "WorkerPool",
        "WorkerProcess", "PoolCore", "WireFormats", "EventLoop", "LinuxIO",
      ]),
    .testTarget(name: "WorkerCheckTests", dependencies: ["Time", "TestSupport", "WorkerCheck"]),
    .testTarget(
      name: "MetricsTests", dependencies: ["Time", "Metrics", "PoolCore", "JobCore", "TestSupport"],
      exclude: ["parse.py"]),
    .testTarget(
      name: "MetricsServerTests",
      dependencies: ["Time", "MetricsServer", "Metrics", "EventLoop", "LinuxIO", "TestSupport"]),
    .testTarget(name: "ArchitectureTests"),
    .testTarget(
      name: "EndToEndTests", dependencies: ["prefork", "CommandLineKit", "ControlProtocol", "TestSupport"],
      exclude: ["fake_server.py", "slow_client.py", "deny.py"]),
  ],
  swiftLanguageModes: [.v6]
)
