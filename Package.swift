// swift-tools-version: 6.2
import PackageDescription

// What reads bytes from outside, built with libFuzzer and the address sanitizer: deploy/fuzz.sh.
let fuzzing = Context.environment["SHOAL_FUZZ"] != nil

let swift: [SwiftSetting] =
    [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
    ] + (fuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address"])] : [])

// Of protocol code; the kernels run at full speed, with the address sanitizer alone.
let fuzzedC: [CSetting] = fuzzing ? [.unsafeFlags(["-fsanitize=fuzzer-no-link,address"])] : []
let checkedC: [CSetting] = fuzzing ? [.unsafeFlags(["-fsanitize=address"])] : []

// The core alone (numerics, file formats, rules of a round, wire decoders; no sockets, no HTTP, no database): what
// deploy/sanitize.sh and quick edit loops build.
let coreOnly = Context.environment["SHOAL_CORE"] != nil

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

var dependencies: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2")
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swift)
}

/// Fixtures are read from the checkout by path, so they are no bundle resources.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: swift)
}

var targets: [Target] = [
    .target(name: "CKernels", cSettings: checkedC),
    .target(name: "CWire", cSettings: fuzzedC, linkerSettings: [.linkedLibrary("protobuf-c")]),
    library("Randomness", []),
    library("ModelFiles", [crypto]),
    library("Recipe", ["ModelFiles"]),
    library("Tensor", ["CKernels"]),
    library("LanguageModel", ["Tensor", "CKernels", "ModelFiles", "Randomness"]),
    library("FineTuning", ["LanguageModel", "Tensor", "ModelFiles", "Randomness", "Recipe"]),
    library("Interchange", ["ModelFiles"]),
    library("Reporting", ["ModelFiles"]),
    library("Auditing", ["Federation", "FineTuning", "LanguageModel", "ModelFiles"]),
    library("Federation", ["CKernels", "ModelFiles", "Randomness", "Recipe", crypto]),
    library("SecureAggregation", ["Federation", "Randomness", crypto]),
    library("Wire", ["CWire", "Federation", "ModelFiles", "Recipe"]),
    library(
        "Benchmarking",
        [
            "Federation", "FineTuning", "LanguageModel", "Tensor", "ModelFiles", "Randomness", "Recipe",
            "SecureAggregation", crypto,
        ]),
    .target(name: "FixtureFiles", path: "Tests/FixtureFiles", swiftSettings: swift),
    .target(
        name: "InputMutation", dependencies: ["Randomness"], path: "Tests/InputMutation", swiftSettings: swift),
    tests("Randomness", ["Randomness"]),
    tests("ModelFiles", ["ModelFiles", "FixtureFiles"]),
    tests("Interchange", ["Interchange", "ModelFiles", "FixtureFiles"]),
    tests("Reporting", ["Reporting", "ModelFiles"]),
    tests("Tensor", ["Tensor", "CKernels"]),
    tests("LanguageModel", ["LanguageModel", "Tensor", "ModelFiles", "Randomness", "FixtureFiles"]),
    tests(
        "Federation",
        ["Federation", "Tensor", "CKernels", "Randomness", "ModelFiles", "Recipe", "FixtureFiles", "InputMutation"]),
    tests("SecureAggregation", ["SecureAggregation", "Federation", "Randomness", "FixtureFiles", crypto]),
    tests("Benchmarking", ["Benchmarking", "Federation", "LanguageModel", "ModelFiles", "Tensor", "FixtureFiles"]),
    tests("Wire", ["Wire", "Federation", "ModelFiles", "Recipe", "FixtureFiles", "InputMutation"]),
    tests(
        "Auditing",
        [
            "Auditing", "Federation", "FineTuning", "LanguageModel", "ModelFiles", "Randomness", "Recipe",
            "FixtureFiles",
        ]),
    tests("FineTuning", ["FineTuning", "LanguageModel", "ModelFiles", "Randomness", "Recipe", "FixtureFiles"]),
]

if !coreOnly {
    dependencies += [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ]
    targets += [
        .systemLibrary(name: "CZeroMQ"),
        .systemLibrary(name: "CMalloc"),
        // The C target's `files` reach the program through #embed, so they are no resources.
        .target(name: "CBuiltIn", exclude: ["files", "made-by"]),
        library("BuiltIn", ["CBuiltIn"]),
        library(
            "RunFile",
            ["Federation", "ModelFiles", "Recipe", "SecureAggregation", .product(name: "Yams", package: "Yams")]),
        library(
            "WebServing",
            [
                "ModelFiles", logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        library(
            "Serving",
            [
                "WebServing", "FineTuning", "LanguageModel", "ModelFiles", "Recipe", logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        // Its `files` reach the program through #embed.
        .target(name: "CDashboard", exclude: ["files"]),
        library(
            "Monitor",
            [
                "CDashboard", "Coordinator", "Federation", "ModelFiles", "RunFile", "WebServing", "Wire", crypto,
                logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        library("Transport", ["CZeroMQ", "Wire", "Federation", "ModelFiles", logging]),
        library(
            "Coordinator",
            [
                "Federation", "Wire", "ModelFiles", "Randomness", "Recipe", "RunFile", "SecureAggregation", crypto,
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        library(
            "Worker",
            [
                "CMalloc", "Federation", "Wire", "FineTuning", "LanguageModel", "ModelFiles", "Randomness", "Recipe",
                "RunFile", "SecureAggregation", crypto,
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        library(
            "Simulation",
            [
                "Coordinator", "Worker", "Wire", "Federation", "FineTuning", "LanguageModel", "ModelFiles",
                "Randomness", "Recipe", "SecureAggregation", crypto,
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]),
        .executableTarget(
            name: "shoal",
            dependencies: [
                "Simulation", "Coordinator", "Monitor", "Worker", "Transport", "Wire", "Federation", "RunFile",
                "Recipe",
                "Auditing", "Benchmarking", "SecureAggregation", "FineTuning", "LanguageModel", "Tensor", "ModelFiles",
                "Randomness", "BuiltIn", "Interchange", "Reporting", "Serving", "WebServing", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swift),
        tests("BuiltIn", ["BuiltIn"]),
        tests("RunFile", ["RunFile", "Federation", "Recipe", "SecureAggregation", "FixtureFiles"]),
        tests(
            "WebServing",
            [
                "WebServing", "ModelFiles", "FixtureFiles", "WebClient", logging,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        tests(
            "Serving",
            [
                "Serving", "WebServing", "FineTuning", "LanguageModel", "ModelFiles", "Randomness", "Recipe", "Tensor",
                "FixtureFiles", "WebClient", logging, .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        tests(
            "Monitor",
            [
                "Monitor", "Coordinator", "Federation", "FixtureFiles", "ModelFiles", "RunFile", "WebClient",
                "WebServing", "Wire", logging, .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(name: "WebClient", path: "Tests/WebClient", swiftSettings: swift),
        .target(name: "LinkRecording", path: "Tests/LinkRecording", swiftSettings: swift),
        tests("Transport", ["Transport", "Wire", "Federation", "ModelFiles", "LinkRecording"]),
        tests(
            "Coordinator",
            [
                "Coordinator", "Federation", "Wire", "RunFile", "ModelFiles", "Randomness", "Recipe",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        tests(
            "Worker",
            [
                "Worker", "Federation", "Wire", "FineTuning", "LanguageModel", "ModelFiles", "Randomness", "Recipe",
                "RunFile", "FixtureFiles", crypto,
            ]),
        tests(
            "Simulation",
            [
                "Simulation", "Coordinator", "Worker", "Wire", "Federation", "RunFile", "ModelFiles", "Randomness",
                "Recipe", "SecureAggregation", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(
            name: "Fuzzing",
            dependencies: [
                "Wire", "Federation", "ModelFiles", "LanguageModel", "FineTuning", "RunFile", "Transport", "Worker",
                "Randomness", "FixtureFiles",
            ], path: "Tests/Fuzzing", swiftSettings: swift),
        tests("Fuzzing", ["Fuzzing", "InputMutation"]),
        .testTarget(
            name: "EndToEndTests", dependencies: ["FixtureFiles", "LinkRecording", "WebClient"], path: "Tests/EndToEnd",
            swiftSettings: swift),
    ]
}

if fuzzing {
    targets.removeAll { $0.isTest }
    targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["Fuzzing"], path: "Tests/FuzzingProgram", swiftSettings: swift,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]))
}

let package = Package(
    name: "shoal",
    products: coreOnly ? [] : [.executable(name: "shoal", targets: ["shoal"])],
    dependencies: dependencies,
    targets: targets,
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)
