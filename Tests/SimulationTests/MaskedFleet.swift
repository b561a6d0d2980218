import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import SecureAggregation
import Simulation
import Testing
import Worker

/// Eight workers of different weight whose updates are summed under masks, over a memory link.
final class MaskedFleet {
    static let options = MaskingOptions(
        clip: 4, levels: 4_000, weightLimit: 6, minimumCohort: 3,
        assumptions: MaskingAssumptions(corruptFraction: 0, dropoutFraction: 1.0 / 3), stepSeconds: 40)

    let conversation: Conversation
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    var runners: [String: FakeRunner] = [:]
    /// The coordinator's ledger, to look at.
    private var database: DatabaseQueue?

    init(
        rounds: Int, isMasked: Bool = true, starting: Bool = true, seed: UInt64 = 7, faults: LinkFaults = .none
    ) throws {
        conversation = try Conversation(
            rounds: rounds, workersPerRound: names.count, minimumConnected: names.count, seed: seed, faults: faults)
        conversation.settings.weightCap = WeightCap(maximumItems: Self.options.weightLimit)
        if isMasked {
            conversation.settings.masking = Self.options
            conversation.settings.withholdsMetrics = true
        }
        try conversation.allow(names)
        try conversation.startCoordinator()
        if starting { for name in names { try start(name) } }
    }

    func start(_ name: String) throws {
        let index = names.firstIndex(of: name) ?? 0
        // The heaviest weighs more than the limit lets count.
        let runner = FakeRunner(items: UInt64(index + 1), slope: Double(index % 3) - 0.7)
        runners[name] = runner
        try conversation.startWorker(name, runner: runner, secondsPerStep: 1)
    }

    /// As if by `kill -9`, and again on the same folder.
    func restart(_ name: String) throws {
        conversation.kill(name)
        try start(name)
    }

    func run() -> Bool { conversation.runToEnd() }

    /// Until so many steps of the open attempt are closed.
    func run(untilClosed steps: Int) throws -> Bool {
        // Before the first is closed, some have sent their keys.
        let (table, count) = steps == 0 ? ("maskMessage", 4) : ("maskStep", steps)
        return conversation.link.run(limitSeconds: 1_000) { ((try? self.rows(table)) ?? 0) >= count }
    }
}

// MARK: - What should come out
extension MaskedFleet {
    var adapter: [Double] {
        get throws { try #require(conversation.service).currentAdapter.values.map(Double.init) }
    }

    private func weight(_ name: String) -> Double {
        Double(min(runners[name]?.items ?? 0, UInt64(Self.options.weightLimit)))
    }

    /// Rounding moves each worker's integer by less than one step: what that makes of the mean at most.
    func roundError(of names: [String]) -> Double {
        Double(names.count) * Self.options.quantisation.step / names.reduce(0) { $0 + weight($1) }
    }

    /// The first adapter after one round of these workers.
    func expected(of names: [String], from values: [Double]? = nil) -> [Double] {
        let total = names.reduce(0) { $0 + weight($1) }
        return (values ?? conversation.firstAdapter.map(Double.init)).enumerated().map { index, value in
            value + names.reduce(0) { $0 + weight($1) / total * (runners[$1]?.shift(index) ?? 0) }
        }
    }

    func matchesClosedForm() -> Bool {
        var (values, error) = (conversation.firstAdapter.map(Double.init), 1e-5)
        for (_, names) in conversation.accepted.sorted(by: { $0.key < $1.key }) {
            values = expected(of: names, from: values)
            error += roundError(of: names)
        }
        guard let adapter = try? adapter else { return false }
        return zip(adapter, values).allSatisfy { abs($0 - $1) <= error }
    }
}

// MARK: - What lies on disks
extension MaskedFleet {
    private func query<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let queue = try database ?? open()
        database = queue
        return try queue.read(body)
    }

    private func open() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: conversation.root + "/state/ledger.sqlite", configuration: configuration)
    }

    func rows(_ table: String) throws -> Int {
        try query { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM \(table)") ?? 0 }
    }

    var failures: Int { get throws { try rows("maskFailure") } }

    func attempt(of round: Int) throws -> Int? {
        try query {
            try Int.fetchOne(
                $0, sql: "SELECT attempt FROM round WHERE number = ? AND state = 'published'", arguments: [round])
        }
    }

    /// Hashes of the updates that the ledger knows, by worker.
    var objects: [String: String] {
        get throws {
            try query { database in
                Dictionary(
                    uniqueKeysWithValues: try Row.fetchAll(database, sql: "SELECT worker, object FROM updates").map {
                        ($0["worker"], $0["object"])
                    })
            }
        }
    }

    /// Every value of every row of every table.
    var everyValue: [[UInt8]] {
        get throws {
            try query { database in
                let tables = try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
                return try tables.flatMap { table in
                    try Row.fetchAll(database, sql: "SELECT * FROM \"\(table)\"").flatMap { row in
                        row.databaseValues.map { value in
                            switch value.storage {
                            case .blob(let data): Array(data)
                            case .string(let text): Array(text.utf8)
                            case .null, .int64, .double: []
                            }
                        }
                    }
                }
            }
        }
    }

    /// Messages of the open attempt, by step and worker.
    func messages(of step: UnmaskingServer.Step) throws -> [String: [UInt8]] {
        try query { database in
            Dictionary(
                uniqueKeysWithValues: try Row.fetchAll(
                    database, sql: "SELECT worker, bytes FROM maskMessage WHERE step = ?", arguments: [step.rawValue]
                ).map { ($0["worker"], Array($0["bytes"] as Data)) })
        }
    }

    /// Every file below the coordinator's state.
    var storedFiles: [(path: String, bytes: [UInt8])] {
        get throws {
            let root = conversation.root + "/state"
            return try FileManager.default.subpathsOfDirectory(atPath: root).sorted().compactMap { name in
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isFolder),
                    !isFolder.boolValue
                else { return nil }
                return (name, Array(try Data(contentsOf: URL(fileURLWithPath: root + "/" + name))))
            }
        }
    }

    /// Of a worker's masked sums.
    func path(_ item: String, of name: String) -> String? {
        let worker = conversation.root + "/worker-" + name
        if item == "identities" { return worker + "/identities" }
        let folder = worker + "/masks"
        let runs = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        guard let path = runs.first.map({ "\(folder)/\($0)/\(item)" }) else { return nil }
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    func file(_ item: String, of name: String) -> [UInt8]? {
        path(item, of: name).flatMap { FileManager.default.contents(atPath: $0) }.map { Array($0) }
    }
}
