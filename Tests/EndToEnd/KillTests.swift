import FixtureFiles
import Foundation
import Testing

/// A coordinator that is killed again and again comes to the same adapter, bit for bit.
///
/// Every worker is needed in every round and there is no deadline, so the updates that count are the same ones. In full
/// (20 kills in 20 rounds): deploy/kills.sh.
@Suite("SIGKILL of the coordinator at random moments", .serialized)
struct KillTests {
    private static func number(_ name: String, _ fallback: Int) -> Int {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) } ?? fallback
    }

    private let kills = number("SHOAL_KILLS", 4)
    private let seed = number("SHOAL_KILL_SEED", 1)
    private var rounds: Int { max(6, kills) }

    /// SplitMix64, so that a seed names its moments.
    private struct Moments {
        var state: UInt64

        /// Unit: seconds, below `limit`.
        mutating func next(below limit: Double) -> Double {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return Double((mixed ^ (mixed >> 31)) >> 11) / Double(1 << 53) * limit
        }
    }

    private func federation() throws -> (LocalFederation, [RunningProgram]) {
        let federation = try LocalFederation(
            workerCount: 3, rounds: rounds, workersPerRound: 3, localSteps: 3,
            settings: ["compression: {uplink: \"topk:density=0.1\"}"])
        for worker in federation.workers { try federation.invite(worker) }
        return (federation, try federation.workers.map { try federation.startWorker($0) })
    }

    private func adapter(_ federation: LocalFederation, _ folder: String) throws -> Data {
        try Data(
            contentsOf: URL(fileURLWithPath: "\(federation.state)/\(folder)/adapter_model.safetensors"))
    }

    @Test("the final adapter is that of an undisturbed run, and every record is sound")
    func killed() throws {
        let (calm, calmWorkers) = try federation()
        let undisturbed = try calm.startCoordinator().finish(limitSeconds: 600)
        try #require(undisturbed.code == 0, "\(undisturbed.errors)")
        for worker in calmWorkers { #expect(try worker.finish(limitSeconds: 30).code == 0) }

        let (federation, workers) = try federation()
        var moments = Moments(state: UInt64(seed))
        var reported: [Int] = []
        for kill in 0..<kills {
            let coordinator = try federation.startCoordinator()
            // Spread over the run; the moment within a round, or within the start itself, is the seed's.
            let round = kill * rounds / kills
            let isThere = waitUntil(limitSeconds: 300) {
                (LocalFederation.publishedRounds(coordinator).last ?? reported.last ?? 0) >= round
            }
            try #require(isThere, "round \(round) was not reached: \(coordinator.errors)")
            Thread.sleep(forTimeInterval: moments.next(below: 1.2))
            let wasRunning = coordinator.isRunning
            coordinator.send(SIGKILL)
            _ = try coordinator.finish(limitSeconds: 30)
            reported += LocalFederation.publishedRounds(coordinator)
            if !wasRunning { break }
        }
        if reported.last != rounds {
            let last = try federation.startCoordinator()
            let outcome = try last.finish(limitSeconds: 600)
            try #require(outcome.code == 0, "\(outcome.errors)")
            reported += LocalFederation.publishedRounds(last)
        }
        // A round published in the instant before a kill may go unreported; none is published twice.
        #expect(reported == reported.sorted() && Set(reported).count == reported.count)
        for worker in workers { #expect(try worker.finish(limitSeconds: 60).code == 0) }

        for round in 1...rounds {
            let folder = "adapters/" + String(format: "%04d", round)
            #expect(try adapter(federation, folder) == adapter(calm, folder), "round \(round)")
        }
        #expect(try adapter(federation, "adapter") == adapter(calm, "adapter"))
        let verified = try Program.run("run", "verify", federation.state, "--json")
        #expect(verified.code == 0, "\(verified.errors)")
        #expect(try verified.objects.first?["records"] as? Int == rounds)
        let shown = try Program.run("run", "show", federation.state, "--json")
        #expect(try shown.objects.first?["updates"] as? Int == 3 * rounds)
    }
}
