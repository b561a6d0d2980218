import FixtureFiles
import Foundation
import Testing

/// A coordinator and workers as an operator starts them: separate programs, a join file each.
final class LocalFederation {
    let folder: ScratchFolder
    let port: UInt16
    let state: String
    private let runFile: String

    /// Text of eight invented trades, one file a worker, cut from the built-in data set.
    private let dataOfWorker: [String: String]
    let workers: [String]

    init(workerCount: Int, rounds: Int, workersPerRound: Int, localSteps: Int, settings: [String] = []) throws {
        folder = ScratchFolder()
        port = try Self.freePort()
        state = folder.file("coordinator")
        runFile = try folder.write(
            """
            model: built-in
            data: {path: built-in, partition: worker}
            adapter: {rank: 4, alpha: 8, targets: all-linear}
            training: {local-steps: \(localSteps), batch-size: 4, sequence-length: 64, learning-rate: 0.003}
            federation: {workers: \(workerCount), rounds: \(rounds), workers-per-round: \(workersPerRound), seed: 1}
            evaluation: {every: 1}
            \(settings.joined(separator: "\n"))
            """, to: "run.yaml")
        let rows = try String(
            contentsOfFile: FixtureFiles.packagePath("Sources/CBuiltIn/files/notes.jsonl"), encoding: .utf8)
        var texts: [String: String] = [:]
        var order: [String] = []
        for line in rows.split(separator: "\n") {
            let row = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let worker = try #require(row["worker"] as? String)
            if texts[worker] == nil { order.append(worker) }
            texts[worker, default: ""] += line + "\n"
        }
        workers = Array(order.prefix(workerCount))
        dataOfWorker = texts
        let created = try Program.run("keys", "create", "--state", state)
        try #require(created.code == 0, "\(created.errors)")
    }

    /// Invites a worker; returns the join file.
    @discardableResult
    func invite(_ worker: String, port: UInt16? = nil) throws -> String {
        let join = folder.file("\(worker).join")
        let outcome = try Program.run(
            "keys", "invite", "--state", state, "--name", worker, "--endpoint",
            "tcp://127.0.0.1:\(port ?? self.port)", "--out", join)
        try #require(outcome.code == 0, "\(outcome.errors)")
        return join
    }

    func startCoordinator(_ options: [String] = []) throws -> RunningProgram {
        try Program.start(coordinatorArguments + options)
    }

    var coordinatorArguments: [String] {
        ["coordinator", "--config", runFile, "--state", state, "--bind", "tcp://127.0.0.1:\(port)", "--json"]
    }

    /// - Parameter holdsModel: Without it the worker downloads the base model from the coordinator.
    func startWorker(
        _ worker: String, holdsModel: Bool = true, options: [String] = [], environment: [String: String] = [:]
    ) throws -> RunningProgram {
        let data = try folder.write(try #require(dataOfWorker[worker]), to: "\(worker).jsonl")
        return try Program.start(
            [
                "worker", "--join", folder.file("\(worker).join"), "--data", data, "--state",
                folder.file("\(worker).state"), "--threads", "1", "--log-level", "info",
            ] + (holdsModel ? ["--model", "built-in"] : []) + options, environment: environment)
    }

    /// The beginning of a worker's first private text.
    func firstText(of worker: String) -> String? {
        guard let line = dataOfWorker[worker]?.split(separator: "\n").first,
            let row = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        else { return nil }
        return (row["text"] as? String).map { String($0.prefix(30)) }
    }

    /// Rounds that a coordinator has reported as published.
    static func publishedRounds(_ coordinator: RunningProgram) -> [Int] {
        coordinator.output.split(separator: "\n").compactMap { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["event"] as? String == "round" ? object?["round"] as? Int : nil
        }
    }

    /// Where a coordinator that was started with `--http` answers.
    static func monitorURL(of coordinator: RunningProgram) throws -> String {
        try coordinator.waitFor("listening")
        let line = try #require(coordinator.errors.split(separator: "\n").first { $0.hasPrefix("monitor ") })
        return String(try #require(line.split(separator: " ").last))
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }
}
