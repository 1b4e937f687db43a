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
    .target(name: "Addresses", swiftSettings: settings),
    .testTarget(name: "AddressesTests", dependencies: ["Addresses"], swiftSettings: settings),
  ]
)
