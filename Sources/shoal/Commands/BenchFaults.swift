import ArgumentParser
import Foundation
internal import Simulation

/// Named after what it measures: how many schedules of faults the coordinator and its workers come through.
struct BenchFaults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract:
            "Run a coordinator and workers through seeded faults of link, disk and process, and check what must hold.",
        discussion: """
            Each schedule runs the real services over a virtual clock, on simulated disks and links that lose, repeat, \
            delay and tear, with machines that go down in the middle of writes. A failing one prints the command that \
            replays it.
            """)

    @Option(help: "Schedules to run.")
    var schedules = 2_000

    @Option(help: "The first schedule's seed; each of the others has the next one.")
    var seed: UInt64 = 1

    @Option(help: "Schedules that run at the same time (default: one a core).")
    var threads: Int?

    @Option(
        help: "Plant a bug on purpose, which the schedules are to find: \(PlantedBug.names); may be repeated.")
    var plant: [PlantedBug] = []

    @Flag(help: "Tell on standard error what happens in each schedule, message by message.")
    var trace = false

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    @OptionGroup var log: LogOptions

    private struct Result: Encodable {
        var seed: UInt64
        var schedules: Int
        var crashes: Int
        var acknowledgements: Int
        var publishedRounds: Int
        var failures: [String: String]
        var schedulesPerMinute: Double
    }

    func validate() throws {
        guard schedules >= 1, (threads ?? 1) >= 1 else {
            throw ValidationError("--schedules and --threads must be at least 1")
        }
    }

    func run() async throws {
        let start = ContinuousClock.now
        let outcome = trace ? traced() : await campaign()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let result = Result(
            seed: seed, schedules: outcome.schedules, crashes: outcome.crashes,
            acknowledgements: outcome.acknowledgements, publishedRounds: outcome.publishedRounds,
            failures: Dictionary(uniqueKeysWithValues: outcome.failures.map { (String($0.seed), $0.reason) }),
            schedulesPerMinute: Double(outcome.schedules) * 60 / seconds)
        if json {
            try JSONLine.print(result)
        } else {
            Console.output(
                "\(result.schedules) schedules from seed \(seed): \(result.crashes) crashes, "
                    + "\(result.acknowledgements) acknowledgements, \(result.publishedRounds) rounds published, "
                    + "\(Quantity.fixed(result.schedulesPerMinute, digits: 0)) schedules a minute")
        }
        for failure in outcome.failures {
            Console.error("seed \(failure.seed): \(failure.reason)")
            Console.error("  replay: shoal bench faults --seed \(failure.seed) --schedules 1 --trace")
        }
        guard outcome.failures.isEmpty else {
            throw CommandFailure.failed("\(outcome.failures.count) schedules broke what must hold")
        }
    }

    private func campaign() async -> FaultCampaign.Outcome {
        var campaign = FaultCampaign(
            seed: seed, schedules: schedules, threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        campaign.plantedBugs = Set(plant)
        return await campaign.run { progress in
            guard progress.schedules.isMultiple(of: 1_000) else { return }
            Console.error("\(progress.schedules) schedules, \(progress.failures.count) failures")
        }
    }

    private func traced() -> FaultCampaign.Outcome {
        var outcome = FaultCampaign.Outcome()
        for index in 0..<schedules {
            let one = FaultCampaign.run(seed: seed &+ UInt64(index), Set(plant), mount: "faults") { Console.error($0) }
            outcome.add(one)
        }
        return outcome
    }
}

extension PlantedBug: ExpressibleByArgument {
    fileprivate static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
