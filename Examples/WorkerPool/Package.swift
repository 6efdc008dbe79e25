// swift-tools-version: 6.2
import PackageDescription

// A program outside of prefork: it depends on prefork by its path, and needs neither libsystemd nor any other library
// of C.
let package = Package(
  name: "WorkerPoolDemo",
  dependencies: [
    // Named, because a path alone would take the name of the folder that this tree was cloned into.
    .package(name: "prefork", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "worker-pool-demo", dependencies: [.product(name: "WorkerPool", package: "prefork")]),
    .executableTarget(
      name: "own-loop-demo", dependencies: [.product(name: "WorkerPoolDriver", package: "prefork")]),
  ],
  swiftLanguageModes: [.v6]
)
