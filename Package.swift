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
    .library(name: "AmphoraController", targets: ["AmphoraController"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CNetlink", pkgConfig: "libnl-route-3.0", providers: [.apt(["libnl-3-dev", "libnl-route-3-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Addresses", swiftSettings: settings),
    .target(name: "Netlink", dependencies: ["CNetlink", "Addresses"], swiftSettings: settings),
    .target(name: "AmphoraCrypto", dependencies: ["CCrypto"], swiftSettings: settings),
    .target(
      name: "AmphoraProtocol", dependencies: ["Addresses", "AmphoraCrypto", "CZlib"], swiftSettings: settings),
    .target(
      name: "AmphoraController",
      dependencies: [
        "Addresses", "AmphoraCrypto", "AmphoraProtocol",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ], swiftSettings: settings),
    .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: settings),
    .testTarget(name: "NetlinkTests", dependencies: ["Netlink", "Addresses"], swiftSettings: settings),
    .testTarget(name: "AmphoraCryptoTests", dependencies: ["AmphoraCrypto"], swiftSettings: settings),
    .testTarget(
      name: "AmphoraProtocolTests", dependencies: ["AmphoraProtocol", "AmphoraCrypto", "Addresses"],
      swiftSettings: settings),
    .testTarget(
      name: "AmphoraControllerTests",
      dependencies: [
        "AmphoraController", "AmphoraProtocol", "AmphoraCrypto", "Addresses",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ], swiftSettings: settings),
  ]
)
