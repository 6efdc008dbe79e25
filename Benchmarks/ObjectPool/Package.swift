// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the library itself carries no benchmark.
let package = Package(
  name: "ObjectPoolBench",
  dependencies: [
    // Named, because a path alone would take the name of the folder that this tree was cloned into.
    .package(name: "prefork", path: "../..")
  ],
  targets: [
    .executableTarget(name: "pool-bench", dependencies: [.product(name: "ObjectPool", package: "prefork")])
  ],
  swiftLanguageModes: [.v6]
)
