// swift-tools-version: 6.2
import PackageDescription

// The tree stands on floors, from Commands down to Core. A target may import what is on its own floor or below, and
// only what it names here: `Tests/ArchitectureTests` holds it to that.
let package = Package(
  name: "prefork",
  products: [
    .executable(name: "prefork", targets: ["prefork"]),
    .library(name: "WorkerPool", targets: ["WorkerPool"]),
    .library(
      name: "WorkerPoolDriver",
      targets: [
        "WorkerPoolDriver", "EventLoop", "WorkerProcess", "WorkerProtocols", "WireFormats", "LinuxIO", "Time",
      ]),
    .library(name: "ObjectPool", targets: ["ObjectPool"]),
    .library(name: "PoolCore", targets: ["PoolCore", "Time"]),
  ],
  targets: [
    // MARK: Commands

    // The program: the command line, which command runs with which options, exit statuses. May import everything.
    .executableTarget(
      name: "prefork",
      dependencies: [
        "Time", "CommandLineKit", "ConfigurationFile", "TopDriver", "JobRunner", "RemotePool", "JobServer",
        "JobEngine", "JobSources", "WorkerCheck", "ServiceManager", "ControlClient", "ControlProtocol", "Chronicle",
        "JobCore", "WorkerPoolDriver", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats", "LinuxIO", "Text",
        "COutOfMemory",
      ], path: "Sources/Commands/prefork"),
    // `run` and `submit`: jobs from a source, through an executor, to stdout.
    .target(
      name: "JobRunner",
      dependencies: [
        "Time", "RemotePool", "JobEngine", "JobSources", "Chronicle", "JobCore", "JobLog", "Records",
        "WorkerPoolDriver",
        "PoolCore", "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Commands/JobRunner"),
    // `serve`: connections, fairness, answers, reload, control.
    .target(
      name: "JobServer",
      dependencies: [
        "Time", "JobEngine", "JobSources", "ControlProtocol", "Metrics", "MetricsServer", "ServiceManager", "JobCore",
        "Records", "JSON", "WorkerPoolDriver", "PoolCore", "WorkerProcess", "WireFormats", "SystemEvents", "EventLoop",
        "Slabs",
        "Timers", "LinuxIO", "DaemonThreads", "Text",
      ], path: "Sources/Commands/JobServer"),
    // `check`: one worker, step by step, and what is wrong with it.
    .target(
      name: "WorkerCheck",
      dependencies: [
        "Time", "Chronicle", "WorkerPoolDriver", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats",
        "SystemEvents", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Commands/WorkerCheck"),
    // `top`: the terminal and the connection.
    .target(
      name: "TopDriver",
      dependencies: [
        "Time", "TopView", "ControlClient", "ControlProtocol", "Chronicle", "SystemEvents", "EventLoop", "LinuxIO",
      ], path: "Sources/Commands/TopDriver"),
    // What `top` shows. Pure.
    .target(
      name: "TopView", dependencies: ["Time", "ControlProtocol", "Chronicle", "Text"], path: "Sources/Commands/TopView"),
    // The commands that speak to a server by its control socket.
    .target(
      name: "ControlClient", dependencies: ["Time", "ControlProtocol", "LinuxIO"],
      path: "Sources/Commands/ControlClient"),
    // The YAML file of `serve`, read into settings.
    .target(
      name: "ConfigurationFile", dependencies: ["CommandLineKit", "LinuxIO", "CYaml", "Text"],
      path: "Sources/Commands/ConfigurationFile"),
    // Options declared once: parsing, help, man page, completions, settings. Pure.
    .target(name: "CommandLineKit", dependencies: ["Time", "Text"], path: "Sources/Commands/CommandLineKit"),

    // MARK: Service

    // The Varlink interface: requests, replies, errors. Pure.
    .target(name: "ControlProtocol", dependencies: ["Time", "JSON"], path: "Sources/Service/ControlProtocol"),
    // Metrics over HTTP, by libmicrohttpd.
    .target(
      name: "MetricsServer", dependencies: ["Time", "Metrics", "LinuxIO", "CMicrohttpd"],
      path: "Sources/Service/MetricsServer"),
    // What is counted, and its text. Pure.
    .target(name: "Metrics", dependencies: ["Time", "PoolCore", "JobCore"], path: "Sources/Service/Metrics"),

    // MARK: Jobs

    // The other executor: a pool that is served elsewhere.
    .target(
      name: "RemotePool",
      dependencies: [
        "Time", "JobEngine", "JobSources", "JobCore", "Records", "JSON", "WorkerPoolDriver", "PoolCore",
        "WorkerProcess",
        "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Jobs/RemotePool"),
    // The pipeline: one table of jobs (ledger, bytes, facts), and its executor over workers of our own.
    .target(
      name: "JobEngine",
      dependencies: [
        "Time", "JobSources", "Messages", "Chronicle", "JobCore", "JobLog", "Records", "WorkerPoolDriver", "PoolCore",
        "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "LinuxIO", "Text",
      ], path: "Sources/Jobs/JobEngine"),
    // Where jobs come from: the port, and stdin.
    .target(
      name: "JobSources",
      dependencies: ["Time", "JobCore", "JobLog", "Records", "WireFormats", "EventLoop", "LinuxIO"],
      path: "Sources/Jobs/JobSources"),
    // Summary, progress line, trace, report, advice. Pure.
    .target(name: "Chronicle", dependencies: ["Time", "JobCore", "Text"], path: "Sources/Jobs/Chronicle"),
    // The lines of the joblog, keys, what a resumed run skips. Pure.
    .target(name: "JobLog", dependencies: ["Time"], path: "Sources/Jobs/JobLog"),
    // Records and dead letters in JSON. Pure.
    .target(name: "Records", dependencies: ["Time", "JSON", "Text"], path: "Sources/Jobs/Records"),

    // MARK: Workers

    // The decisions of PoolCore, carried out on processes and pipes. A library of its own.
    .target(
      name: "WorkerPoolDriver",
      dependencies: [
        "Time", "PoolCore", "WorkerProcess", "WorkerProtocols", "WireFormats", "EventLoop", "Timers", "Slabs",
        "LinuxIO", "Text",
      ], path: "Sources/Workers/WorkerPoolDriver"),
    // One process: start, signals, end, control group, orphans, stderr.
    .target(name: "WorkerProcess", dependencies: ["Time", "LinuxIO", "Text"], path: "Sources/Workers/WorkerProcess"),
    // What is spoken with workers: the port, and the protocols. Pure.
    .target(
      name: "WorkerProtocols", dependencies: ["Time", "PoolCore", "JSON", "WireFormats", "Text"],
      path: "Sources/Workers/WorkerProtocols"),

    // MARK: System

    // Signals, and systemd's watchdog, in the loop.
    .target(
      name: "SystemEvents", dependencies: ["Time", "EventLoop", "LinuxIO", "Systemd"],
      path: "Sources/System/SystemEvents"),
    // One thread's epoll and its clock.
    .target(name: "EventLoop", dependencies: ["Time", "Timers", "LinuxIO"], path: "Sources/System/EventLoop"),
    // Notifications and journal entries for systemd, never in the way of the loop.
    .target(
      name: "ServiceManager", dependencies: ["Time", "Messages", "LinuxIO", "DaemonThreads", "Systemd", "Text"],
      path: "Sources/System/ServiceManager"),
    // libsystemd, loaded when it is needed.
    .target(name: "Systemd", dependencies: ["LinuxIO", "CSystemd"], path: "Sources/System/Systemd"),
    // System calls with Swift types and errors.
    .target(name: "LinuxIO", dependencies: ["Time", "CLinux", "Text"], path: "Sources/System/LinuxIO"),
    // Threads that do not keep the program alive.
    .target(name: "DaemonThreads", path: "Sources/System/DaemonThreads"),
    // Shims for system calls; posix_spawn, the launcher, the guard.
    .target(name: "CLinux", path: "Sources/System/CLinux"),
    // Declarations of libsystemd.
    .target(name: "CSystemd", path: "Sources/System/CSystemd"),
    // Declarations of libmicrohttpd.
    .target(name: "CMicrohttpd", path: "Sources/System/CMicrohttpd"),
    // Without pkg-config, which would name the folder of the shared library before any other: `make build` has the
    // static one.
    .systemLibrary(name: "CYaml", path: "Sources/System/CYaml", providers: [.apt(["libyaml-dev"])]),
    // What happens when memory is used up.
    .target(name: "COutOfMemory", path: "Sources/System/COutOfMemory"),

    // MARK: Core. Pure: no I/O, no clock, no randomness of their own; not even the C library is imported.

    // Which worker serves which job, sizing, recycling, backoff, breaker, probes: a state machine.
    .target(name: "PoolCore", dependencies: ["Time"], path: "Sources/Core/PoolCore"),
    // Queue, attempts, outcomes, order: a state machine.
    .target(name: "JobCore", dependencies: ["Time"], path: "Sources/Core/JobCore"),
    // How a stream is cut into frames.
    .target(name: "WireFormats", dependencies: ["Text"], path: "Sources/Core/WireFormats"),
    // JSON read where it stands, and written.
    .target(name: "JSON", dependencies: ["Time", "Text"], path: "Sources/Core/JSON"),
    // Timers by key, and the clock of a loop.
    .target(name: "Timers", dependencies: ["Time"], path: "Sources/Core/Timers"),
    // Messages for people and journals, and what takes them.
    .target(name: "Messages", path: "Sources/Core/Messages"),
    // Elements that cannot be copied, by index.
    .target(name: "Slabs", path: "Sources/Core/Slabs"),
    // Durations, sizes, numbers, plurals, quotes, as people read them.
    .target(name: "Text", dependencies: ["Time"], path: "Sources/Core/Text"),
    // Moments and spans of time.
    .target(name: "Time", path: "Sources/Core/Time"),

    // MARK: Beside them

    // The pool of worker processes for tasks: the pipeline on a thread of its own. A library of its own.
    .target(
      name: "WorkerPool",
      dependencies: [
        "Time", "JobEngine", "JobCore", "Records", "Messages", "WorkerPoolDriver", "PoolCore", "WorkerProcess",
        "WorkerProtocols", "WireFormats", "EventLoop", "LinuxIO", "DaemonThreads",
      ]),
    // The same core over any expensive object, for tasks and for threads. A library of its own.
    .target(name: "ObjectPool", dependencies: ["Time", "PoolCore", "Timers", "DaemonThreads", "Text"]),

    // MARK: Tests

    .target(name: "TestSupport", dependencies: ["Time"], path: "Tests/TestSupport"),
    .target(name: "CTestSupport", path: "Tests/CTestSupport"),
    .target(
      name: "PipelineSimulation",
      dependencies: [
        "Time", "TestSupport", "JobEngine", "JobCore", "WorkerPoolDriver", "PoolCore", "WorkerProcess", "WireFormats",
        "EventLoop", "LinuxIO",
      ],
      path: "Tests/PipelineSimulation"),
    .executableTarget(
      name: "simulate-pipeline", dependencies: ["Time", "PipelineSimulation", "LinuxIO"], path: "Tests/SimulatePipeline"
    ),
    .testTarget(
      name: "PipelineSimulationTests",
      dependencies: [
        "Time", "TestSupport", "PipelineSimulation", "JobEngine", "JobCore", "WorkerPoolDriver", "PoolCore",
        "WorkerProcess", "EventLoop",
      ]),
    .testTarget(name: "PoolCoreTests", dependencies: ["Time", "TestSupport", "PoolCore"]),
    .testTarget(name: "TimeTests", dependencies: ["Time"]),
    .testTarget(name: "TextTests", dependencies: ["Text", "Time", "TestSupport"]),
    .testTarget(name: "TimersTests", dependencies: ["Time", "Timers", "TestSupport"]),
    .testTarget(
      name: "ObjectPoolTests", dependencies: ["Time", "ObjectPool", "PoolCore", "DaemonThreads", "TestSupport"]),
    .testTarget(name: "JobCoreTests", dependencies: ["Time", "JobCore", "TestSupport"]),
    .testTarget(name: "ChronicleTests", dependencies: ["Time", "Chronicle", "JobCore", "JSON", "TestSupport"]),
    .testTarget(
      name: "TopViewTests", dependencies: ["Time", "TopView", "ControlProtocol", "Chronicle", "TestSupport"]),
    .testTarget(name: "JobLogTests", dependencies: ["Time", "JobLog", "JobCore", "TestSupport"]),
    .testTarget(name: "WireFormatsTests", dependencies: ["Time", "WireFormats", "TestSupport"]),
    .testTarget(
      name: "WorkerProtocolsTests", dependencies: ["Time", "WorkerProtocols", "JSON", "WireFormats", "TestSupport"]),
    .testTarget(name: "JSONTests", dependencies: ["Time", "JSON", "TestSupport"]),
    .testTarget(name: "RecordsTests", dependencies: ["Time", "Records", "JSON", "TestSupport"]),
    .testTarget(name: "ControlProtocolTests", dependencies: ["Time", "ControlProtocol", "TestSupport"]),
    .testTarget(
      name: "ControlClientTests", dependencies: ["Time", "ControlClient", "ControlProtocol", "LinuxIO", "TestSupport"]),
    .testTarget(name: "CommandLineKitTests", dependencies: ["Time", "CommandLineKit", "TestSupport"]),
    .testTarget(
      name: "ConfigurationFileTests", dependencies: ["Time", "ConfigurationFile", "CommandLineKit", "TestSupport"]),
    .testTarget(name: "LinuxIOTests", dependencies: ["Time", "LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(
      name: "ServiceManagerTests", dependencies: ["Time", "Messages", "ServiceManager", "LinuxIO", "TestSupport"]),
    .testTarget(name: "EventLoopTests", dependencies: ["Time", "SystemEvents", "EventLoop", "LinuxIO", "TestSupport"]),
    .testTarget(
      name: "WorkerProcessTests", dependencies: ["Time", "WorkerProcess", "LinuxIO", "CTestSupport", "TestSupport"]),
    .testTarget(name: "WorkerPoolTests", dependencies: ["WorkerPool", "WorkerPoolDriver", "LinuxIO", "TestSupport"]),
    .testTarget(name: "EmbeddedPoolTests", dependencies: ["Time", "WorkerPoolDriver", "TestSupport"]),
    .testTarget(name: "RemotePoolTests", dependencies: ["Time", "TestSupport", "RemotePool", "JobCore", "LinuxIO"]),
    .testTarget(
      name: "JobEngineTests",
      dependencies: [
        "Time", "JobEngine", "JobSources", "JobCore", "JobLog", "Messages", "ServiceManager", "WorkerPoolDriver",
        "PoolCore",
        "WorkerProtocols", "WireFormats", "EventLoop", "LinuxIO", "TestSupport",
      ]),
    .testTarget(name: "JobSourcesTests", dependencies: ["JobSources", "WireFormats", "EventLoop", "LinuxIO"]),
    .testTarget(
      name: "JobServerTests", dependencies: ["Time", "JobServer", "WireFormats", "LinuxIO", "TestSupport"]),
    .testTarget(
      name: "JobRunnerTests",
      dependencies: [
        "Time", "TestSupport", "JobRunner", "JobEngine", "JobSources", "JobCore", "Chronicle", "Records",
        "WorkerPoolDriver", "WorkerProcess", "PoolCore", "WireFormats", "EventLoop", "LinuxIO",
      ]),
    .testTarget(name: "WorkerCheckTests", dependencies: ["Time", "TestSupport", "WorkerCheck", "WorkerPoolDriver"]),
    .testTarget(
      name: "MetricsTests", dependencies: ["Time", "Metrics", "PoolCore", "JobCore", "TestSupport"],
      exclude: ["parse.py"]),
    .testTarget(
      name: "MetricsServerTests",
      dependencies: ["Time", "MetricsServer", "Metrics", "EventLoop", "LinuxIO", "TestSupport"]),
    .testTarget(name: "ArchitectureTests"),
    .testTarget(
      name: "EndToEndTests", dependencies: ["prefork", "CommandLineKit", "ControlProtocol", "TestSupport"],
      exclude: ["fake_server.py", "slow_client.py", "deny.py", "with_postgres.sh"]),
  ],
  swiftLanguageModes: [.v6]
)
