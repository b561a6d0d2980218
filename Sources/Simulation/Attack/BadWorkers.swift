public import Federation
internal import Randomness

/// Which of a simulation's workers are bad.
public struct BadWorkers: Hashable, Sendable {
    public let names: Set<WorkerName>

    /// Draws them; the same workers and seed give the same draw, and a larger share only adds to it.
    ///
    /// - Parameter share: The part of the workers that is bad, rounded to whole workers.
    public init(_ workers: [WorkerName], share: Double, seed: UInt64) {
        precondition((0...1).contains(share), "a share of \(share)")
        var random = StreamKey(seed: seed, worker: "bad", purpose: .faults).generator()
        let shuffled = workers.sorted().shuffled(using: &random)
        names = Set(shuffled.prefix(Int((share * Double(workers.count)).rounded())))
    }
}
