internal import ModelFiles

/// The weighted mean of one layer's factors, padded with zeros to the largest rank: HetLoRA's, and FedEx-LoRA's first
/// part.
///
/// A rank that hardly anybody trained keeps the row of A and the column of B that it had. Means of zeros would make both
/// 0, and so their gradients for the rest of the run: the rank would be lost as soon as one round's workers all happen to
/// be of lower ones.
///
/// - SeeAlso: Cho et al. 2024, section 4 (arXiv:2401.06432).
struct FactorMean: Sendable {
    private let rank: Int
    private let inputs: Int
    private let scale: Double
    /// `[rank, inputs]`
    private var a: [Double]
    /// `[outputs, rank]`
    private var b: [Double]
    /// Of the workers that trained a rank, `[rank]`.
    private var weights: [Double]
    private var totalWeight = 0.0

    /// The least share of the weight whose zero-padded mean float32 can go on from; workers whose product is 0 have none.
    static let leastShare = 1e-6

    init(_ layer: AdapterFactors.Layer) {
        (rank, inputs, scale) = (layer.rank, layer.inputs, layer.scale)
        a = [Double](repeating: 0, count: layer.a.count)
        b = [Double](repeating: 0, count: layer.b.count)
        weights = [Double](repeating: 0, count: layer.rank)
    }

    /// - Parameters:
    ///   - other: A, `[otherRank, inputs]`.
    ///   - otherB: B, `[outputs, otherRank]`.
    ///   - otherScale: The worker's own, by which its B counts at this layer's.
    mutating func add(
        a other: [Double], b otherB: [Double], rank otherRank: Int, scale otherScale: Double, weight: Double
    ) {
        totalWeight += weight
        for index in 0..<otherRank { weights[index] += weight }
        for index in other.indices { a[index] += weight * other[index] }
        let ratio = weight * (otherScale / scale)
        for row in 0..<b.count / rank {
            for column in 0..<otherRank { b[row * rank + column] += ratio * otherB[row * otherRank + column] }
        }
    }

    /// Writes the means into the global adapter, which keeps what nobody trained.
    func write(_ layer: AdapterFactors.Layer, to values: inout [Float]) {
        for index in 0..<rank where weights[index] > Self.leastShare * totalWeight {
            for place in index * inputs..<(index + 1) * inputs {
                values[layer.a.lowerBound + place] = Float(a[place] / totalWeight)
            }
            for place in stride(from: index, to: b.count, by: rank) {
                values[layer.b.lowerBound + place] = Float(b[place] / totalWeight)
            }
        }
    }
}
