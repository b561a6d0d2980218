public import Federation
internal import FoundationEssentials
public import ModelFiles

/// What training with noise of its own has cost this worker's single examples, over all runs: `examples.json` of its state
/// folder. Written before a training begins, whatever becomes of it; what was spent is never given back.
public struct ExampleLedger: Sendable {
    /// Steps of one kind that a run took.
    public struct Entry: Hashable, Codable, Sendable {
        public var run: String
        /// The part of the examples that a step takes on average.
        public var samplingRate: Double
        /// Standard deviation of a step's noise over its clip.
        public var noiseMultiplier: Double
        public var steps: Int
    }

    private struct Kept: Codable {
        var version = 1
        var entries: [Entry]
    }

    public private(set) var entries: [Entry] = []
    private let path: String
    private static let bytesMax = 4 << 20

    /// - Parameter folder: The worker's state folder.
    /// - Throws: Also where the file is damaged: a budget never begins anew by itself.
    public init(folder: String) throws(OwnerLedgerError) {
        path = folder + "/examples.json"
        let bytes: [UInt8]?
        do { bytes = try StateFolder.read(path, bytesMax: Self.bytesMax) } catch { throw .file(error) }
        guard let bytes else { return }
        guard let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes)), kept.version == 1,
            kept.entries.allSatisfy({ $0.steps >= 1 && $0.step != nil })
        else { throw .unreadable(path: path) }
        entries = kept.entries
    }

    /// All steps of all runs, as an accountant counts them.
    public var steps: [SampledGaussian: Int] {
        entries.reduce(into: [:]) { steps, entry in
            if let step = entry.step { steps[step, default: 0] += entry.steps }
        }
    }

    /// Epsilon of all that was spent, for adding or leaving out any one example; 0 before anything was.
    public func epsilon(delta: Double) throws(PrivacyError) -> Double {
        try PrivacyBudget(epsilon: .infinity, delta: delta).spent(steps)
    }

    /// Spends steps, durably.
    public mutating func spend(_ step: SampledGaussian, steps: Int, run: String) throws(FileError) {
        precondition(steps >= 1, "\(steps) steps")
        var next = entries
        if let index = next.firstIndex(where: { $0.run == run && $0.step == step }) {
            next[index].steps += steps
        } else {
            next.append(
                Entry(
                    run: run, samplingRate: step.samplingRate, noiseMultiplier: step.noiseMultiplier, steps: steps))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let text = try? encoder.encode(Kept(entries: next)) else { preconditionFailure("plain, finite values") }
        try AtomicFile.write(Array(text), to: path, permissions: 0o600)
        entries = next
    }
}

extension ExampleLedger.Entry {
    var step: SampledGaussian? {
        try? SampledGaussian(samplingRate: samplingRate, noiseMultiplier: noiseMultiplier)
    }
}
