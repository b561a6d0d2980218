import Foundation
import Simulation
import Testing

/// `SHOAL_FAULT_SCHEDULES` and `SHOAL_FAULT_SEED` change how many schedules run and where their seeds begin.
@Suite("Schedules of faults", .serialized)
struct FaultScheduleTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func whateverGoesWrongNothingAcknowledgedIsLostAndEveryRunEnds() async {
        let schedules = Int(Self.number("SHOAL_FAULT_SCHEDULES") ?? 2_000)
        let campaign = FaultCampaign(
            seed: Self.number("SHOAL_FAULT_SEED") ?? 1, schedules: schedules,
            threads: ProcessInfo.processInfo.activeProcessorCount)
        let outcome = await campaign.run()
        #expect(outcome.schedules == schedules)
        #expect(outcome.crashes > outcome.schedules && outcome.publishedRounds > outcome.schedules)
        for failure in outcome.failures {
            Issue.record(
                "\(failure.reason); replay: shoal bench faults --seed \(failure.seed) --schedules 1 --trace")
        }
    }

    /// Each of them once broke what must hold.
    @Test(
        arguments: [
            10, 42, 43, 46, 48, 69, 149, 169, 246, 272, 278, 538, 556, 845, 868, 1095, 1443, 2200, 4573, 4931,
            1_007_615,
            1_016_689,
        ]
            as [UInt64])
    func aSeedThatOnceFailedHolds(seed: UInt64) {
        let outcome = FaultCampaign.run(seed: seed, mount: "once-failed-\(seed)")
        #expect(outcome.failures.map(\.reason) == [])
    }

    @Test(arguments: PlantedBug.allCases)
    func aBugPlantedOnPurposeIsFound(bug: PlantedBug) async {
        var campaign = FaultCampaign(
            seed: 1, schedules: 400, threads: ProcessInfo.processInfo.activeProcessorCount)
        campaign.plantedBugs = [bug]
        campaign.failuresMax = 1
        let outcome = await campaign.run()
        #expect(!outcome.failures.isEmpty, "\(bug.rawValue) was not found in \(outcome.schedules) schedules")
    }

    @Test func aSeedGivesTheSameCourseEachTime() {
        func course(_ seed: UInt64) -> [String] {
            var lines: [String] = []
            _ = FaultCampaign.run(seed: seed, mount: "same-course") { lines.append($0) }
            return lines
        }
        for seed in 1...5 as ClosedRange<UInt64> {
            let first = course(seed)
            #expect(first.count > 20 && first == course(seed))
        }
    }
}
