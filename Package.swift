// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors when AMPHORA_STRICT is set (as .ci/run does), so that a newer compiler's new
/// warning does not stop somebody who only wants to build.
let strict = Context.environment["AMPHORA_STRICT"] != nil

let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + (strict ? [.treatAllWarnings(as: .error)] : [])

let package = Package(
  name: "amphora",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "amphora-agent", targets: ["amphora-agent"]),
    .executable(name: "amphoractl", targets: ["amphoractl"]),
    // With the modules whose types are in its interface: a driver's author names amphorae and addresses.
    .library(
      name: "AmphoraController", targets: ["AmphoraController", "AmphoraProtocol", "AmphoraCrypto", "Addresses"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    // No traits: FullFoundation would link ICU, some 40 MB, into the agent.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CNetlink", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CSocket"),
    .target(name: "Addresses", swiftSettings: settings),
    .target(name: "Files", swiftSettings: settings),
    .target(name: "Netlink", dependencies: ["CNetlink", "Addresses"], swiftSettings: settings),
    .target(name: "AmphoraCrypto", dependencies: ["CCrypto"], swiftSettings: settings),
    .target(
      name: "AmphoraProtocol", dependencies: ["Addresses", "AmphoraCrypto", "CZlib"], swiftSettings: settings),
    .target(
      name: "AmphoraAgent",
      dependencies: [
        "Addresses", "AmphoraCrypto", "AmphoraProtocol", "CSocket", "Files", "Netlink",
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "SystemPackage", package: "swift-system"),
      ], swiftSettings: settings),
    .target(
      name: "AmphoraController",
      dependencies: [
        "Addresses", "AmphoraCrypto", "AmphoraProtocol", "CSocket", "Files",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "amphora-agent",
      dependencies: [
        "AmphoraAgent",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),
    .target(
      name: "AmphoraLab",
      dependencies: ["AmphoraAgent", "AmphoraController", "AmphoraProtocol", "Addresses", "Files", "Netlink"],
      swiftSettings: settings),
    .executableTarget(
      name: "amphoractl",
      dependencies: [
        "AmphoraController", "AmphoraLab", "AmphoraProtocol", "AmphoraCrypto", "Addresses", "Files",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "amphora-demo",
      dependencies: [
        "AmphoraLab", "AmphoraController", "AmphoraProtocol", "Addresses", "Files", "Netlink",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: settings),
    .executableTarget(
      name: "amphora-bench",
      dependencies: [
        "AmphoraLab", "AmphoraController", "AmphoraAgent", "AmphoraProtocol", "Addresses", "Files", "Netlink",
        "CSocket",
        "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Tests/Benchmarks", swiftSettings: settings),
    // Waiting for a condition: the one place where tests let time pass.
    .target(name: "TestSupport", path: "Tests/Support", swiftSettings: settings),
    .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: settings),
    .testTarget(name: "NetlinkTests", dependencies: ["Netlink", "Addresses"], swiftSettings: settings),
    .testTarget(name: "AmphoraCryptoTests", dependencies: ["AmphoraCrypto"], swiftSettings: settings),
    .testTarget(
      name: "AmphoraProtocolTests", dependencies: ["AmphoraProtocol", "AmphoraCrypto", "Addresses"],
      swiftSettings: settings),
    .testTarget(
      name: "AmphoraAgentTests",
      dependencies: [
        "AmphoraAgent", "AmphoraProtocol", "AmphoraCrypto", "Addresses", "Files", "Netlink", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: settings),
    .testTarget(
      name: "AmphoraControllerTests",
      dependencies: [
        "AmphoraController", "AmphoraProtocol", "AmphoraCrypto", "Addresses",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ], swiftSettings: settings),
    // The agent as a process, over mutual TLS, with real haproxy and keepalived, in namespaces.
    .testTarget(
      name: "LiveTests",
      dependencies: [
        "AmphoraLab", "AmphoraController", "AmphoraAgent", "AmphoraProtocol", "AmphoraCrypto", "Addresses", "Files",
        "Netlink", "TestSupport",
      ],
      swiftSettings: settings),
    // amphoractl as a process: its output, exit codes and files.
    .testTarget(
      name: "AmphoractlTests",
      dependencies: [
        "amphoractl", "AmphoraController", "AmphoraProtocol", "AmphoraCrypto", "Addresses", "TestSupport",
      ],
      swiftSettings: settings),
  ]
)
