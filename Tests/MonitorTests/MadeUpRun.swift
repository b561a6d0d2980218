import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import Monitor
import Testing
import Wire

/// A run in a ledger of its own: three workers, two published rounds, one attempt turned back.
final class MadeUpRun {
    let folder = NSTemporaryDirectory() + "shoal-monitor-\(UUID().uuidString)"
    let ledger: Ledger
    let names = ["a", "b", "c"].compactMap { WorkerName($0) }
    private let directory: StateDirectory

    /// - Parameters:
    ///   - configuration: Canonical JSON; by default one that no release can read.
    ///   - isPublished: Whether it has its two rounds.
    init(configuration: String = "{}", isPublished: Bool = true) throws {
        directory = try StateDirectory(path: folder)
        ledger = try Ledger(path: directory.ledger, wallClock: { 1_000 })
        try ledger.begin(
            RunRecord(id: RunID(bits: 1), seed: 1, configuration: configuration, baseModel: ContentHash(of: [9])),
            firstAdapter: ContentHash(of: [0]))
        for (index, name) in names.enumerated() {
            try ledger.allow(
                name: name, key: try #require(PublicKey(bytes: [UInt8](repeating: UInt8(index + 1), count: 32))))
        }
        guard isPublished else { return }
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record(
            [update(names[0], items: 1, loss: 4), update(names[1], items: 3, loss: 2)], round: 1, attempt: 1,
            counters: RunCounters(uplinkBytes: 40, downlinkBytes: 50))
        try ledger.recordFailure([names[2]], round: 1, attempt: 1, open: 1)
        try publish(1, uplink: 100, seconds: 2.5)
        try ledger.select([names[0]], round: 2, attempt: 1)
        try ledger.record(
            [update(names[0], items: 1, loss: 3)], round: 2, attempt: 1,
            counters: RunCounters(uplinkBytes: 60, downlinkBytes: 70))
        try publish(2, uplink: 250, seconds: 40)
        try ledger.record(
            Evaluation(loss: 5, standardError: 0.5, items: 7, worstDecile: 6),
            of: [(names[0], report(4.5)), (names[1], report(6))], version: 0)
        try ledger.record(
            Evaluation(loss: 1.5, standardError: 0.25, items: 7, worstDecile: 2.25),
            of: [(names[0], report(1.25)), (names[2], report(2.25))], version: 2)
    }

    /// Two items of the same held-out loss.
    private func report(_ loss: Double) throws -> HeldOutReport {
        try HeldOutReport(items: 2, lossSum: 2 * loss, squaredLossSum: 2 * loss * loss)
    }

    /// Puts a run of this identifier away in the same state directory.
    func addArchivedRun(_ id: RunID) throws {
        let folder = folder + "/runs/" + id.text
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let other = try Ledger(path: StateDirectory.ledger(in: folder), wallClock: { 500 })
        try other.begin(
            RunRecord(id: id, seed: 1, configuration: "{}", baseModel: ContentHash(of: [9])),
            firstAdapter: ContentHash(of: [0]))
        try other.finishRun(RunCounters())
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func update(_ worker: WorkerName, items: UInt64, loss: Double?) -> UpdateRecord {
        UpdateRecord(
            worker: worker, object: ContentHash(of: Array("\(worker) \(items) \(loss ?? -1)".utf8)), items: items,
            steps: 1,
            tokens: items * 10, trainLoss: loss)
    }

    func publish(_ round: Int, uplink: UInt64, seconds: Double) throws {
        let record = SignedRecord(
            number: UInt64(round), round: round, attempt: 1, body: "{}", content: ContentHash(of: [UInt8(round)]),
            hash: ContentHash(of: [UInt8(round), 1]), signature: [UInt8](0..<64))
        try ledger.publish(
            round: round, attempt: 1, object: ContentHash(of: [UInt8(round)]), optimizerState: nil, seconds: seconds,
            counters: RunCounters(uplinkBytes: uplink, downlinkBytes: uplink * 2), denseUplinkBytes: uplink * 4,
            record: record)
    }

    /// Makes it a run whose coins choose secretly who takes part.
    func makeParticipationSecret() throws {
        try DatabaseQueue(path: directory.ledger).write { database in
            try database.execute(
                sql: """
                    INSERT INTO privacyTerms
                    VALUES (1, 'central', 8, 1e-5, 1, 0.5, 100, 50, 1, 0, 0, 1, 1, NULL, NULL, 0)
                    """)
        }
    }

    /// Workers a and b are connected, a trains, c is late.
    func fleet(isSecret: Bool = false) -> FleetSnapshot {
        FleetSnapshot(
            members: [
                FleetMember(
                    worker: names[0], software: "0.1.0", cores: 4, memoryBytes: 8 << 30, rank: 8,
                    silentSeconds: isSecret ? nil : 1, phase: isSecret ? nil : .training, step: isSecret ? 0 : 3,
                    totalSteps: isSecret ? 0 : 10),
                FleetMember(
                    worker: names[1], software: "<b>0.2</b>", cores: 2, memoryBytes: 4 << 30, rank: 8,
                    silentSeconds: isSecret ? nil : 7, phase: isSecret ? nil : .idle),
            ],
            standing: RunStanding(
                writtenAt: 0, waitingFor: "round 3 has 0 of 2 updates and waits for c", waitingSince: 990,
                waitsForWorkers: false,
                late: isSecret ? [] : [RunStanding.Late(worker: "c", reason: "is not connected")],
                lateCount: isSecret ? 0 : 1, connected: 2, refusals: ["malformed": 3]),
            counters: isSecret ? nil : RunCounters(uplinkBytes: 1_000, downlinkBytes: 2_000),
            declined: isSecret ? nil : 4, acceptsWorkers: true)
    }
}
