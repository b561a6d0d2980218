internal import Synchronization

/// Many schedules, one seed after the other, on as many threads as asked for.
package struct FaultCampaign: Sendable {
    package struct Failure: Sendable {
        package let seed: UInt64
        package let reason: String
    }

    package struct Outcome: Sendable {
        package var schedules = 0
        /// Machines that went down or processes that gave up.
        package var crashes = 0
        package var acknowledgements = 0
        package var publishedRounds = 0
        /// In the order of their seeds.
        package var failures: [Failure] = []

        package init() {}

        package mutating func add(_ other: Outcome) {
            schedules += other.schedules
            crashes += other.crashes
            acknowledgements += other.acknowledgements
            publishedRounds += other.publishedRounds
            failures = (failures + other.failures).sorted { $0.seed < $1.seed }
        }
    }

    /// The first schedule's; each of the others has the next one.
    package var seed: UInt64
    package var schedules: Int
    package var threads: Int
    package var plantedBugs: Set<PlantedBug> = []
    /// Ends the campaign early.
    package var failuresMax = 5

    package init(seed: UInt64, schedules: Int, threads: Int) {
        self.seed = seed
        self.schedules = schedules
        self.threads = threads
    }

    /// - Parameter progress: Told now and then how many schedules are done, from any thread.
    package func run(progress: @escaping @Sendable (Outcome) -> Void = { _ in }) async -> Outcome {
        let tally = Tally()
        await withTaskGroup { group in
            for thread in 0..<max(1, threads) {
                group.addTask { work(tally, thread, progress) }
            }
        }
        return tally.outcome.withLock { $0 }
    }

    private final class Tally: Sendable {
        let next = Atomic<Int>(0)
        let outcome = Mutex(Outcome())
    }

    private func work(_ tally: Tally, _ thread: Int, _ progress: @Sendable (Outcome) -> Void) {
        while true {
            let index = tally.next.add(1, ordering: .relaxed).oldValue
            guard index < schedules, tally.outcome.withLock({ $0.failures.count < failuresMax }) else { return }
            let result = Self.run(seed: seed &+ UInt64(index), plantedBugs, mount: "faults-\(thread)")
            let now = tally.outcome.withLock { outcome in
                outcome.add(result)
                return outcome
            }
            if now.schedules.isMultiple(of: 100) { progress(now) }
        }
    }

    /// One schedule by itself.
    ///
    /// - Parameter trace: Told what happens, line by line.
    package static func run(
        seed: UInt64, _ plantedBugs: Set<PlantedBug> = [], mount: String, trace: ((String) -> Void)? = nil
    ) -> Outcome {
        var outcome = Outcome()
        outcome.schedules = 1
        var plan = FaultPlan(seed: seed)
        plan.plantedBugs = plantedBugs
        trace?("\(plan)")
        do {
            let schedule = try FaultSchedule(plan, mount: mount)
            schedule.trace = trace
            schedule.runToEnd()
            outcome.crashes = schedule.crashes
            outcome.acknowledgements = schedule.observed.acknowledgements
            outcome.publishedRounds = max(0, schedule.observed.versions.count - 1)
            if let violation = schedule.violation {
                outcome.failures = [Failure(seed: seed, reason: violation.description)]
            }
        } catch {
            outcome.failures = [Failure(seed: seed, reason: "cannot begin: \(error)")]
        }
        return outcome
    }
}
