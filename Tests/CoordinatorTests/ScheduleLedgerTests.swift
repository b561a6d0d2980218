import Coordinator
import Federation
import Foundation
import ModelFiles
import Testing

@Suite("What the ledger keeps of a run's schedule")
struct ScheduleLedgerTests {
    private let folder = NSTemporaryDirectory() + "shoal-schedule-\(UUID().uuidString)"
    private let ledger: Ledger
    private let names = ["a", "b", "c"].compactMap { WorkerName($0) }

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        ledger = try Ledger(path: folder + "/ledger.sqlite", wallClock: { 1_000 })
    }

    private func update(_ worker: WorkerName, items: UInt64) -> UpdateRecord {
        UpdateRecord(
            worker: worker, object: ContentHash(of: Array("\(worker) \(items)".utf8)), items: items, steps: 1,
            tokens: 1,
            trainLoss: 1)
    }

    @Test func historyIsThatOfRoundsBeforeAndAnUpdateOutweighsAFailure() throws {
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record([update(names[0], items: 5)], round: 1, attempt: 1, counters: RunCounters())
        try ledger.recordFailure([names[1], names[2]], round: 1, attempt: 1, open: 1)
        // Asked again after its lease had ended, and done.
        try ledger.record([update(names[1], items: 8)], round: 1, attempt: 1, counters: RunCounters())
        try ledger.select(names, round: 2, attempt: 1)
        try ledger.record([update(names[0], items: 6)], round: 2, attempt: 1, counters: RunCounters())
        try ledger.recordFailure([names[1]], round: 2, attempt: 1, open: 2)
        #expect(try ledger.history(before: 1).isEmpty)
        let before = try ledger.history(before: 2)
        #expect(before[names[0]] == WorkerHistory(items: 5, completed: 1, failed: 0))
        #expect(before[names[1]] == WorkerHistory(items: 8, completed: 1, failed: 0))
        #expect(before[names[2]] == WorkerHistory(items: nil, completed: 0, failed: 1))
        let after = try ledger.history(before: 3)
        #expect(after[names[0]] == WorkerHistory(items: 6, completed: 2, failed: 0))
        #expect(after[names[1]] == WorkerHistory(items: 8, completed: 1, failed: 1))
        // Cancelled in round 2 by faster ones: held against nobody.
        #expect(after[names[2]] == before[names[2]])
    }

    @Test func aLaterAttemptKnowsTheEarlierOnes() throws {
        try ledger.select(names, round: 1, attempt: 1)
        try ledger.record([update(names[0], items: 5)], round: 1, attempt: 1, counters: RunCounters())
        try ledger.recordFailure([names[1]], round: 1, attempt: 1, open: 1)
        #expect(try ledger.history(before: 1, attempt: 1).isEmpty)
        let second = try ledger.history(before: 1, attempt: 2)
        #expect(second[names[0]]?.completed == 1 && second[names[1]]?.failed == 1)
    }

    @Test func aBufferIsReadBackWithItsLeasesAndItsArrivals() throws {
        try ledger.ask([names[0], names[1]], round: 1)
        try ledger.record([(update: update(names[1], items: 1), askedIn: 1)], countsIn: 1, counters: RunCounters())
        try ledger.ask([names[1], names[2]], round: 2)
        try ledger.record([(update: update(names[2], items: 2), askedIn: 2)], countsIn: 2, counters: RunCounters())
        try ledger.record([(update: update(names[0], items: 3), askedIn: 1)], countsIn: 2, counters: RunCounters())
        let other = try Ledger(path: folder + "/ledger.sqlite", wallClock: { 0 })
        let record = try other.bufferRecord(round: 2)
        #expect(record.tasks == [names[1]: 2])
        #expect(record.asked == [names[1], names[2]] && record.failed.isEmpty)
        #expect(record.counted == [.init(worker: names[0], round: 1), .init(worker: names[2], round: 2)])
        let counted = try other.countedUpdates(in: 2)
        #expect(counted.map(\.record.items) == [3, 2])
        #expect(counted.map(\.staleness) == [1, 0])
        // What arrives in round 2 is known to round 3 alone.
        #expect(try other.history(before: 2).keys.sorted() == [names[1]])
        #expect(try other.history(before: 3)[names[0]] == WorkerHistory(items: 3, completed: 1))
        #expect(throws: LedgerError.self) {
            try other.record([(update: update(names[0], items: 4), askedIn: 1)], countsIn: 3, counters: RunCounters())
        }
    }

    @Test func aFailedOfferEndsTheLeaseUntilTheWorkerIsAskedAgain() throws {
        try ledger.ask([names[0]], round: 1)
        try ledger.recordFailure([names[0]], round: 1, attempt: 1, open: 2)
        #expect(try ledger.bufferRecord(round: 1).tasks.isEmpty)
        #expect(try ledger.bufferRecord(round: 1).failed == [names[0]])
        #expect(try ledger.history(before: 2).isEmpty)
        #expect(try ledger.history(before: 3)[names[0]]?.failed == 1)
        try ledger.ask([names[0]], round: 1)
        #expect(try ledger.bufferRecord(round: 1).tasks == [names[0]: 1])
    }
}
