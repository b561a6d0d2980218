/// What a decoded update must satisfy before it may enter an aggregate: shape, finiteness, a bounded norm, some data.
public struct UpdateCheck: Hashable, Sendable {
    /// Values in the adapter's flat vector.
    public let parameterCount: Int
    /// The largest acceptable L2 norm; `nil` sets no bound.
    public let maximumNorm: Double?

    public init(parameterCount: Int, maximumNorm: Double? = nil) {
        self.parameterCount = parameterCount
        self.maximumNorm = maximumNorm
    }

    /// - Parameters:
    ///   - update: The decoded delta, float32.
    ///   - trainingItems: What the worker says stands behind it. Unit: blocks or examples.
    /// - Returns: The update's L2 norm over all parameters.
    /// - Throws: ``UpdateRefusal``: the worker's fault, to be answered with its description.
    @discardableResult
    public func validate(_ update: [Float], trainingItems: UInt64) throws(UpdateRefusal) -> Double {
        guard update.count == parameterCount else {
            throw .wrongShape(expected: parameterCount, actual: update.count)
        }
        guard trainingItems > 0 else { throw .noTrainingItems }
        // In Double, where no sum of squared float32 values overflows: only a value that is not finite spoils it.
        var squares = 0.0
        for value in update { squares += Double(value) * Double(value) }
        guard squares.isFinite else {
            throw .notFinite(index: update.firstIndex { !$0.isFinite } ?? 0)
        }
        let norm = squares.squareRoot()
        if let maximumNorm, norm > maximumNorm { throw .normTooLarge(norm: norm, limit: maximumNorm) }
        return norm
    }
}

/// Why an update does not count.
public enum UpdateRefusal: Error, Hashable, Sendable {
    case wrongShape(expected: Int, actual: Int)
    case notFinite(index: Int)
    case normTooLarge(norm: Double, limit: Double)
    case noTrainingItems
}

extension UpdateRefusal: CustomStringConvertible {
    public var description: String {
        switch self {
        case .wrongShape(let expected, let actual):
            "the update has \(actual) values, the adapter has \(expected); check that both sides use the same rank "
                + "and target layers"
        case .notFinite(let index):
            "the update's value \(index) is not a finite number: training diverged; lower training.learning-rate or "
                + "set training.clip-norm"
        case .normTooLarge(let norm, let limit):
            "the update's norm \(norm) exceeds the limit \(limit)"
        case .noTrainingItems:
            "the update says that no training data stands behind it"
        }
    }
}
