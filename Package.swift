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
  products: [],
  dependencies: [],
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
    .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: settings),
    .testTarget(name: "NetlinkTests", dependencies: ["Netlink", "Addresses"], swiftSettings: settings),
    .testTarget(name: "AmphoraCryptoTests", dependencies: ["AmphoraCrypto"], swiftSettings: settings),
    .testTarget(
      name: "AmphoraProtocolTests", dependencies: ["AmphoraProtocol", "AmphoraCrypto", "Addresses"],
      swiftSettings: settings),
  ]
)
