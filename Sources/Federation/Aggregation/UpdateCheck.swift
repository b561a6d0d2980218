internal import CKernels

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
        let norm = update.withUnsafeBytes { Self.norm(of: $0) }
        guard norm.isFinite else {
            throw .notFinite(index: update.firstIndex { !$0.isFinite } ?? 0)
        }
        if let maximumNorm, norm > maximumNorm { throw .normTooLarge(norm: norm, limit: maximumNorm) }
        return norm
    }

    /// The same of an update as it was sent, without an array of its values where the codec can.
    ///
    /// - Throws: ``UpdateRefusal`` or ``CodecError``: the worker's fault, to be answered with its description.
    @discardableResult
    public func validate(
        encoded bytes: UnsafeRawBufferPointer, by codec: any UpdateCodec, seed: UInt64, trainingItems: UInt64
    ) throws -> Double {
        guard trainingItems > 0 else { throw UpdateRefusal.noTrainingItems }
        let norm = try codec.norm(of: bytes, count: parameterCount, seed: seed)
        if let maximumNorm, norm > maximumNorm {
            throw UpdateRefusal.normTooLarge(norm: norm, limit: maximumNorm)
        }
        return norm
    }

    static func isFinite(_ values: [Float]) -> Bool {
        values.withUnsafeBytes { norm(of: $0) }.isFinite
    }

    /// - Parameter values: float32, little-endian, at any address.
    /// - Returns: Their L2 norm; not finite exactly where one of them is not.
    static func norm(of values: UnsafeRawBufferPointer) -> Double {
        shoal_squares(values.baseAddress, values.count / 4).squareRoot()
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
