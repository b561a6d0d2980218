import Coordinator
import Federation
import Foundation
import GRDB
import ModelFiles
import Testing
import Wire

@Suite("A run's history, as its ledger tells it")
struct RunHistoryTests {
    private let folder = NSTemporaryDirectory() + "shoal-history-\(UUID().uuidString)"
    private let ledger: Ledger
    private let clock = Clock()
    private let names = ["a", "b", "c"].compactMap { WorkerName($0) }

    /// Seconds since 1970, turned by hand.
    private final class Clock: @unchecked Sendable {
        var now: Int64 = 1_000
    }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let clock = clock
        ledger = try Ledger(path: folder + "/ledger.sqlite", wallClock: { clock.now })
        try ledger.begin(
            RunRecord(id: RunID(bits: 1), seed: 1, configuration: "{}", baseModel: ContentHash(of: [9])),
            firstAdapter: ContentHash(of: [0]))
    }

    private func update(
        _ worker: WorkerName, items: UInt64, loss: Double?, cost: TaskCost? = nil
    ) -> UpdateRecord {
        UpdateRecord(
            worker: worker, object: ContentHash(of: Array("\(worker) \(items) \(loss ?? -1)".utf8)), items: items,
            steps: 1,
            tokens: items * 10, trainLoss: loss, cost: cost)
    }

    private func publish(_ round: Int, uplink: UInt64) throws {
        let record = SignedRecord(
            number: UInt64(round), round: round, attempt: 1, body: "{}", content: ContentHash(of: [UInt8(round)]),
            hash: ContentHash(of: [UInt8(round), 1]), signature: [UInt8](0..<64))
        try ledger.publish(
            round: round, attempt: 1, object: ContentHash(of: [UInt8(round)]), optimizerState: nil, seconds: 2.5,
            counters: RunCounters(uplinkBytes: uplink, downlinkBytes: uplink * 2), denseUplinkBytes: uplink * 4,
            record: record)
    }

    @Test func roundsTellTheirWeightedLossTheirBytesAndTheirEvaluation() throws {
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record(
            // The last withholds its loss.
            [
                update(names[0], items: 1, loss: 4), update(names[1], items: 3, loss: 2),
                update(names[2], items: 9, loss: nil),
            ],
            round: 1, attempt: 1, counters: RunCounters())
        clock.now = 1_060
        try publish(1, uplink: 100)
        try ledger.select([names[0]], round: 2, attempt: 1)
        try ledger.record([update(names[0], items: 1, loss: 3)], round: 2, attempt: 1, counters: RunCounters())
        try publish(2, uplink: 250)
        try ledger.record(Evaluation(loss: 5, standardError: 0.5, items: 7), version: 0)
        try ledger.record(Evaluation(loss: 1.5, standardError: 0.25, items: 7), version: 2)

        let history = try RunHistory(ledger: ledger)
        #expect(history.base?.loss == 5 && !history.hidesParticipation)
        #expect(history.rounds.map(\.number) == [1, 2])
        let first = history.rounds[0]
        #expect(first.workers == 3 && first.tokens == 130 && first.seconds == 2.5)
        // (1 · 4 + 3 · 2) / 4
        #expect(first.trainLoss == 2.5)
        #expect(first.openedAt == 1_000 && first.publishedAt == 1_060)
        #expect(first.uplinkBytes == 100 && first.downlinkBytes == 200 && first.denseUplinkBytes == 400)
        #expect(first.evaluation == nil && history.rounds[1].evaluation?.loss == 1.5)
        #expect(history.rounds[1].workers == 1 && history.rounds[1].uplinkBytes == 250)
        #expect(history.newestArrivals.map(\.worker) == [names[0]])
        #expect(history.newestArrivals.map(\.at) == [1_060])
    }

    @Test func aLossOfZeroIsALossThatWasTold() throws {
        try ledger.allow(name: names[0], key: try #require(PublicKey(bytes: [UInt8](repeating: 1, count: 32))))
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record(
            [
                update(names[0], items: 3, loss: 0), update(names[1], items: 1, loss: 2),
                update(names[2], items: 9, loss: nil),
            ],
            round: 1, attempt: 1, counters: RunCounters())
        try publish(1, uplink: 1)
        #expect(try ledger.updates(round: 1, attempt: 1).map(\.trainLoss) == [0, 2, nil])
        let history = try RunHistory(ledger: ledger)
        // (3 · 0 + 1 · 2) / 4
        #expect(history.rounds.map(\.trainLoss) == [0.5])
        #expect(history.workers.map(\.trainLoss) == [0] && history.workers.map(\.firstTrainLoss) == [0])
    }

    @Test func aLedgerThatKeptZeroForALossThatWasNotToldIsBroughtUpToDate() throws {
        try ledger.ask([names[0], names[1]], round: 1)
        try ledger.record(
            [
                (update: update(names[0], items: 1, loss: 0), askedIn: 1),
                (update: update(names[1], items: 2, loss: 3), askedIn: 1),
            ], countsIn: 1, counters: RunCounters())
        let path = folder + "/ledger.sqlite"
        try DatabaseQueue(path: path).write {
            try $0.execute(sql: "DELETE FROM grdb_migrations WHERE identifier = 'figures not told'")
        }
        let later = try Ledger(path: path, wallClock: { 2_000 })
        #expect(try later.updates(round: 1, attempt: 1).map(\.trainLoss) == [nil, 3])
        // What refers to updates still does, and must.
        #expect(try later.countedUpdates(in: 1).map(\.record.items) == [1, 2])
        let problems = try DatabaseQueue(path: path).read { try Row.fetchAll($0, sql: "PRAGMA foreign_key_check") }
        #expect(problems.isEmpty)
        #expect(throws: LedgerError.self) {
            try later.record(
                [(update: update(names[2], items: 1, loss: nil), askedIn: 1)], countsIn: 1, counters: RunCounters())
        }
    }

    @Test func bufferedUpdatesCountWhereTheyArrived() throws {
        try ledger.ask([names[0], names[1]], round: 1)
        try ledger.record(
            [(update: update(names[1], items: 2, loss: 2), askedIn: 1)], countsIn: 1, counters: RunCounters())
        try publish(1, uplink: 10)
        try ledger.ask([names[2]], round: 2)
        try ledger.record(
            [(update: update(names[0], items: 2, loss: 6), askedIn: 1)], countsIn: 2, counters: RunCounters())
        try ledger.record(
            [(update: update(names[2], items: 2, loss: 4), askedIn: 2)], countsIn: 2, counters: RunCounters())
        try publish(2, uplink: 30)
        let rounds = try RunHistory(ledger: ledger).rounds
        #expect(rounds.map(\.workers) == [1, 2])
        #expect(rounds.map(\.trainLoss) == [2, 5])
        #expect(rounds.map(\.staleness) == [0, 0.5])
    }

    @Test func costsAddUpWhereTheyAreTold() throws {
        for (index, name) in names.enumerated() {
            try ledger.allow(
                name: name, key: try #require(PublicKey(bytes: [UInt8](repeating: UInt8(index + 1), count: 32))))
        }
        let measured = TaskCost(seconds: 2, joules: 10, isMeasured: true)
        let estimated = TaskCost(seconds: 3, joules: 5)
        for (round, cost) in [(1, measured), (2, estimated)] {
            try ledger.select(names, round: round, attempt: 1)
            try ledger.record(
                [
                    update(names[0], items: 1, loss: 1, cost: cost),
                    update(names[1], items: 1, loss: 1, cost: measured),
                    update(names[2], items: 1, loss: 1),
                ], round: round, attempt: 1, counters: RunCounters())
            try publish(round, uplink: 1)
        }
        #expect(try ledger.updates(round: 2, attempt: 1).map(\.cost) == [estimated, measured, nil])
        let history = try RunHistory(ledger: ledger)
        #expect(history.rounds.map(\.energyJoules) == [20, 15])
        #expect(history.rounds.map(\.trainingSeconds) == [4, 5])
        #expect(history.rounds.map(\.isEnergyMeasured) == [true, false])
        #expect(history.workers.map(\.energyJoules) == [15, 20, nil])
        #expect(history.workers.map(\.trainingSeconds) == [5, 4, nil])
    }

    @Test func workersTellHowTheirOwnTextIsServed() throws {
        for (index, name) in names.enumerated() {
            try ledger.allow(
                name: name, key: try #require(PublicKey(bytes: [UInt8](repeating: UInt8(index + 1), count: 32))))
        }
        /// Two items of the same loss.
        func report(_ loss: Double) throws -> HeldOutReport {
            try HeldOutReport(items: 2, lossSum: 2 * loss, squaredLossSum: 2 * loss * loss)
        }
        for round in 1...2 {
            try ledger.select([names[0]], round: round, attempt: 1)
            try ledger.record(
                [update(names[0], items: 1, loss: round == 1 ? nil : 4)], round: round, attempt: 1,
                counters: RunCounters())
            try publish(round, uplink: 1)
        }
        try ledger.record(
            Evaluation(loss: 5, standardError: 0.5, items: 4, worstDecile: 6),
            of: [(names[0], report(4)), (names[1], report(6))], version: 0)
        try ledger.record(
            Evaluation(loss: 9, standardError: 0.5, items: 4, worstDecile: 9), of: [(names[1], report(9))], version: 2)
        // What is found again takes the place of what was found before.
        try ledger.record(
            Evaluation(loss: 2, standardError: 0.5, items: 4, worstDecile: 2.5),
            of: [(names[0], report(1.5)), (names[2], report(2.5))], version: 2)
        let history = try RunHistory(ledger: ledger)
        #expect(history.base?.worstDecile == 6)
        #expect(history.rounds.map { $0.evaluation?.worstDecile } == [nil, 2.5])
        #expect(history.workers.map { $0.firstHeldOut?.version } == [0, 0, 2])
        #expect(history.workers.map { $0.firstHeldOut?.loss } == [4, 6, 2.5])
        #expect(history.workers.map { $0.heldOut?.version } == [2, 0, 2])
        #expect(history.workers.map { $0.heldOut?.loss } == [1.5, 6, 2.5])
        #expect(history.workers.map(\.firstTrainLoss) == [4, nil, nil])
    }

    @Test func tokensThatOwnersWithholdAreUnknownAndNotZero() throws {
        for (index, name) in names.enumerated() {
            try ledger.allow(
                name: name, key: try #require(PublicKey(bytes: [UInt8](repeating: UInt8(index + 1), count: 32))))
        }
        #expect(try ledger.totals() == UpdateTotals(updates: 0, tokens: 0))
        var silent = update(names[1], items: 2, loss: 3)
        silent.tokens = nil
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record([silent], round: 1, attempt: 1, counters: RunCounters())
        try publish(1, uplink: 1)
        #expect(try ledger.totals() == UpdateTotals(updates: 1, tokens: nil))
        #expect(try ledger.updates(round: 1, attempt: 1).map(\.tokens) == [nil])
        try ledger.select(names, round: 2, attempt: 1)
        try ledger.record(
            [update(names[0], items: 5, loss: 4), silent], round: 2, attempt: 1, counters: RunCounters())
        try publish(2, uplink: 2)
        let history = try RunHistory(ledger: ledger)
        // Of a round in which one told, what that one told.
        #expect(history.rounds.map(\.tokens) == [nil, 50])
        // Who gave nothing withholds nothing.
        #expect(history.workers.map(\.tokens) == [50, nil, 0])
        #expect(try ledger.totals() == UpdateTotals(updates: 3, tokens: 50))
    }

    @Test func workersTellWhatTheyGave() throws {
        for (index, name) in names.enumerated() {
            try ledger.allow(
                name: name, key: try #require(PublicKey(bytes: [UInt8](repeating: UInt8(index + 1), count: 32))))
        }
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record([update(names[0], items: 5, loss: 4)], round: 1, attempt: 1, counters: RunCounters())
        try ledger.recordFailure([names[1]], round: 1, attempt: 1, open: 1)
        clock.now = 1_020
        try publish(1, uplink: 1)
        try ledger.select([names[0]], round: 2, attempt: 1)
        try ledger.record([update(names[0], items: 6, loss: 3)], round: 2, attempt: 1, counters: RunCounters())
        try ledger.revoke(name: names[2])
        let workers = try RunHistory(ledger: ledger).workers
        #expect(workers.map(\.worker) == names)
        #expect(workers.map(\.updates) == [2, 0, 0])
        #expect(workers.map(\.failures) == [0, 1, 0])
        #expect(workers.map(\.tokens) == [110, 0, 0])
        #expect(workers.map(\.items) == [6, 0, 0])
        #expect(workers.map(\.trainLoss) == [3, nil, nil])
        #expect(workers.map(\.firstTrainLoss) == [4, nil, nil])
        #expect(workers.allSatisfy { $0.heldOut == nil && $0.firstHeldOut == nil })
        #expect(workers.map(\.lastUpdateAt) == [1_020, nil, nil])
        #expect(workers.map(\.revokedAt) == [nil, nil, 1_020])
    }
}
