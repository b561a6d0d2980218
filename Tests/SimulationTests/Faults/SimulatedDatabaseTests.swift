import Coordinator
import Foundation
import ModelFiles
import Randomness
import Simulation
import Testing

@Suite("SQLite on a disk in memory")
struct SimulatedDatabaseTests {
    /// Adds events to a ledger until its machine goes down in the middle of a write; what is there afterwards.
    ///
    /// - Returns: Events that were added for sure, and those found in their order.
    private func crashed(
        _ seed: UInt64, _ kind: DiskFaults.Crash, bugs: Set<PlantedBug> = []
    ) throws -> (added: Int, found: [String]) {
        let disk = SimulatedDisk(mount: "ledger-\(UUID().uuidString)", seed: seed)
        DiskTable.mount(disk, as: disk.mount)
        defer { DiskTable.unmount(disk.mount) }
        var random = StreamKey(seed: seed, worker: "crash", purpose: .faults).generator()
        disk.faults.crashCountdown = 1 + random.index(below: 900)
        disk.faults.crash = kind
        disk.faults.plantedBugs = bugs
        let path = disk.path + "/ledger.sqlite"
        var added = 0
        do {
            let ledger = try Ledger(path: path, wallClock: { 0 })
            while !disk.isDown, added < 300 {
                try ledger.note(.recovered, "event \(added)")
                added += 1
            }
        } catch { #expect(disk.isDown, "\(error)") }
        disk.crash(kind)
        disk.restart()
        disk.faults = DiskFaults()
        let ledger = try Ledger(path: path, wallClock: { 0 })
        try ledger.requireSound()
        return (added, try ledger.events(last: 1_000).map(\.detail))
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func whatATransactionReturnedFromIsThereAfterACrash(seed: UInt64) throws {
        for kind in [DiskFaults.Crash.powerCut, .kill] {
            let (added, found) = try crashed(seed, kind)
            #expect(found.count == added || found.count == added + 1)
            #expect(found == found.indices.map { "event \($0)" })
        }
    }

    @Test func withoutSynchronisationSomeOfItIsLost() throws {
        let isLost = (0..<60 as Range<UInt64>).contains { seed in
            guard let (added, found) = try? crashed(seed, .powerCut, bugs: [.noLedgerSync]) else { return true }
            return found.count < added
        }
        #expect(isLost)
    }
}
