public import Federation
import Randomness

/// Which of a simulation's workers are slow, and how slow.
public struct SlowWorkers: Sendable {
    private let factor: Double
    private let slow: Set<WorkerName>

    /// Draws the slow ones; the same names and seed give the same draw.
    ///
    /// - Parameters:
    ///   - share: The part of the workers that are slow, rounded to whole workers.
    ///   - factor: How many times as long they take for a step; at least 1.
    public init(_ workers: [WorkerName], share: Double, factor: Double, seed: UInt64) {
        precondition((0...1).contains(share) && factor >= 1, "a share of \(share), \(factor) times as slow")
        self.factor = factor
        let key = StreamKey(seed: seed, worker: "slow", purpose: .faults)
        slow = Set(Selection.uniform(Int((share * Double(workers.count)).rounded()), from: workers, key: key))
    }

    /// How many times as long this worker takes.
    public func factor(of worker: WorkerName) -> Double { slow.contains(worker) ? factor : 1 }

    public var count: Int { slow.count }
}
