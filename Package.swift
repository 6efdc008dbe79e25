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
      ], path: "Sources/Commands/prefork"),
    .target(name: "COutOfMemory", path: "Sources/System/COutOfMemory"),
    .target(
      name: "JobRunner",
      dependencies: [
        "Time", "RemotePool", "JobEngine", "JobSources", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool",
        "PoolCore",
        "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Commands/JobRunner"),
    .target(
      name: "RemotePool",
      dependencies: [
        "Time", "JobEngine", "JobSources", "JobCore", "Records", "WorkerPool", "PoolCore", "WorkerProcess",
        "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Jobs/RemotePool"),
    .target(
      name: "JobServer",
      dependencies: [
        "Time", "JobEngine", "JobSources", "ControlProtocol", "Metrics", "MetricsServer", "ServiceManager", "JobCore",
        "Records",
        "WorkerPool", "PoolCore",
        "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Slabs", "Timers", "LinuxIO", "DaemonThreads",
        "Text",
      ], path: "Sources/Commands/JobServer"),
    .target(
      name: "JobEngine",
      dependencies: [
        "Time", "JobSources", "ServiceManager", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPool", "PoolCore",
        "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Jobs/JobEngine"),
    .target(
      name: "JobSources",
      dependencies: ["Time", "JobCore", "JobLog", "Records", "WireFormats", "EventLoop", "LinuxIO"],
      path: "Sources/Jobs/JobSources"),
    .target(
      name: "WorkerCheck",
      dependencies: [
        "Time", "Chronicle", "WorkerPool", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats",
        "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Commands/WorkerCheck"),
    .target(
      name: "WorkerPool",
      dependencies: [
        "Time", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "Slabs",
        "LinuxIO", "Text",
      ], path: "Sources/Workers/WorkerPool"),
    .target(name: "ObjectPool", dependencies: ["Time", "PoolCore", "Timers", "DaemonThreads", "Text"]),
    .target(name: "WorkerProcess", dependencies: ["Time", "LinuxIO", "Text"], path: "Sources/Workers/WorkerProcess"),
    .target(
      name: "MetricsServer", dependencies: ["Time", "Metrics", "LinuxIO", "CMicrohttpd"],
      path: "Sources/Service/MetricsServer"),
    .target(name: "CMicrohttpd", path: "Sources/System/CMicrohttpd"),
    .target(
      name: "SystemEvents", dependencies: ["EventLoop", "LinuxIO", "Systemd"], path: "Sources/System/SystemEvents"),
    .target(name: "EventLoop", dependencies: ["Time", "Timers", "LinuxIO"], path: "Sources/System/EventLoop"),
    .target(
      name: "ServiceManager", dependencies: ["Time", "LinuxIO", "DaemonThreads", "Systemd", "Text"],
      path: "Sources/System/ServiceManager"),
    .target(name: "Systemd", dependencies: ["LinuxIO", "CSystemd"], path: "Sources/System/Systemd"),
    .target(name: "CSystemd", path: "Sources/System/CSystemd"),
    .target(name: "LinuxIO", dependencies: ["Time", "CLinux", "Text"], path: "Sources/System/LinuxIO"),
    .target(name: "DaemonThreads", path: "Sources/System/DaemonThreads"),
    .target(name: "CLinux", path: "Sources/System/CLinux"),
    .target(
      name: "TopDriver",
      dependencies: [
        "Time", "TopView", "ControlClient", "ControlProtocol", "Chronicle", "SystemEvents", "EventLoop", "LinuxIO",
      ], path: "Sources/Commands/TopDriver"),
    .target(
      name: "TopView", dependencies: ["Time", "ControlProtocol", "Chronicle", "Text"], path: "Sources/Commands/TopView"),
    .target(
      name: "ControlClient", dependencies: ["Time", "ControlProtocol", "LinuxIO"],
      path: "Sources/Commands/ControlClient"),
    .target(name: "Chronicle", dependencies: ["Time", "JobCore", "Text"], path: "Sources/Jobs/Chronicle"),
    .target(name: "ControlProtocol", dependencies: ["Time", "Records"], path: "Sources/Service/ControlProtocol"),
    .target(name: "Metrics", dependencies: ["Time", "PoolCore", "JobCore"], path: "Sources/Service/Metrics"),
    .target(
      name: "ConfigurationFile", dependencies: ["CommandLineKit", "LinuxIO", "CYaml", "Text"],
      path: "Sources/Commands/ConfigurationFile"),
    // Without pkg-config, which would name the folder of the shared library before any other: `make build` has the
    // static one.
    .systemLibrary(name: "CYaml", path: "Sources/System/CYaml", providers: [.apt(["libyaml-dev"])]),

    // Pure: no I/O, no clock, no randomness of their own.
    .target(name: "PoolCore", dependencies: ["Time"], path: "Sources/Core/PoolCore"),
    .target(name: "Timers", dependencies: ["Time"], path: "Sources/Core/Timers"),
    .target(name: "Slabs", path: "Sources/Core/Slabs"),
    .target(name: "JobCore", dependencies: ["Time"], path: "Sources/Core/JobCore"),
    .target(name: "JobLog", dependencies: ["Time"], path: "Sources/Jobs/JobLog"),
    .target(name: "WorkerProtocols", dependencies: ["WireFormats"], path: "Sources/Workers/WorkerProtocols"),
    .target(name: "WireFormats", dependencies: ["Text"], path: "Sources/Core/WireFormats"),
    .target(name: "Records", dependencies: ["Time", "Text"], path: "Sources/Jobs/Records"),
    .target(name: "CommandLineKit", dependencies: ["Time", "Text"], path: "Sources/Commands/CommandLineKit"),
    .target(name: "Text", dependencies: ["Time"], path: "Sources/Core/Text"),
    .target(name: "Time", path: "Sources/Core/Time"),

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
