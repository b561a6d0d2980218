import FixtureFiles
import Foundation
import Testing

/// The built `shoal` program, run as its users run it.
struct Program {
    /// What a finished run left behind.
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String

        /// Each line of standard output as a JSON object.
        var objects: [[String: Any]] {
            get throws {
                try output.split(separator: "\n").map { line in
                    try #require(
                        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                        "not a JSON object: \(line)")
                }
            }
        }
    }

    /// Given by SHOAL_PROGRAM, else the release build in the package's own build folder.
    static let path =
        ProcessInfo.processInfo.environment["SHOAL_PROGRAM"] ?? FixtureFiles.packagePath(".build/release/shoal")

    /// Runs to the end. `limit` is a guard against hanging for ever, not a measurement.
    static func run(_ arguments: String..., limitSeconds: Double = 240) throws -> Outcome {
        try start(arguments).finish(limitSeconds: limitSeconds)
    }

    static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> RunningProgram {
        try RunningProgram(path: path, arguments: arguments, environment: environment)
    }
}

/// A program that is still running; both its streams are collected in files.
final class RunningProgram {
    private let process = Process()
    private let folder = ScratchFolder()

    init(path: String, arguments: [String], environment: [String: String]) throws {
        try #require(
            FileManager.default.isExecutableFile(atPath: path),
            "no program at \(path): run swift build -c release --product shoal first")
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try folder.openFile("output")
        process.standardError = try folder.openFile("errors")
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var output: String { folder.text("output") }
    var errors: String { folder.text("errors") }
    var isRunning: Bool { process.isRunning }
    var processIdentifier: Int32 { process.processIdentifier }

    func send(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    /// Waits for the end; past the limit the program is killed and the test fails.
    func finish(limitSeconds: Double = 240) throws -> Program.Outcome {
        let isDone = waitUntil(limitSeconds: limitSeconds) { !process.isRunning }
        if !isDone { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try #require(isDone, "still running after \(limitSeconds) s; it said:\n\(errors.suffix(2000))")
        return Program.Outcome(code: process.terminationStatus, output: output, errors: errors)
    }

    /// Waits until standard output or standard error holds `text`.
    func waitFor(_ text: String, limitSeconds: Double = 120) throws {
        let isThere = waitUntil(limitSeconds: limitSeconds) {
            output.contains(text) || errors.contains(text) || !process.isRunning
        }
        try #require(
            isThere && (output.contains(text) || errors.contains(text)),
            "never said '\(text)'; it said:\n\(output.suffix(1000))\n\(errors.suffix(2000))")
    }
}

/// Polls a condition that another process makes true.
@discardableResult
func waitUntil(limitSeconds: Double, _ condition: () -> Bool) -> Bool {
    let end = Date().addingTimeInterval(limitSeconds)
    while !condition() {
        if Date() > end { return false }
        Thread.sleep(forTimeInterval: 0.02)
    }
    return true
}

extension ScratchFolder {
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }

    func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: file(name)) ?? Data(), as: UTF8.self)
    }

    fileprivate func openFile(_ name: String) throws -> FileHandle {
        try write("", to: name)
        return try FileHandle(forWritingTo: URL(fileURLWithPath: file(name)))
    }
}
