// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that the library itself never needs libpq.
let package = Package(
  name: "PostgresPool",
  products: [
    .library(name: "PostgresPool", targets: ["PostgresPool"]),
    .executable(name: "postgres-pool-demo", targets: ["postgres-pool-demo"]),
  ],
  dependencies: [
    // Named, because a path alone would take the name of the folder that this tree was cloned into.
    .package(name: "prefork", path: "../..")
  ],
  targets: [
    .executableTarget(
      name: "postgres-pool-demo",
      dependencies: ["PostgresPool", .product(name: "ObjectPool", package: "prefork")]),
    .target(
      name: "PostgresPool",
      dependencies: ["CLibPQ", .product(name: "ObjectPool", package: "prefork")]),
    .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .testTarget(
      name: "PostgresPoolTests",
      dependencies: ["PostgresPool", "postgres-pool-demo", .product(name: "ObjectPool", package: "prefork")]),
  ],
  swiftLanguageModes: [.v6]
)
