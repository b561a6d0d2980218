/// Error feedback for biased codecs: what a codec leaves out of one update is added to the worker's next one (Seide et
/// al. 2014; Karimireddy et al. 2019, arXiv:1901.09847).
///
/// With the residual e, 0 at first: `e += Δ`, send `C(e)`, `e −= C(e)`. Sums are float32's, so everything sent plus the
/// residual is the sum of all Δ up to one rounding of each step: as long as the worker has an update in every round. What
/// was left out before rounds that others made alone counts less (``ResidualDecay``).
public struct ErrorFeedback: Sendable {
    /// What is to be encoded: residual + update, `[count]`.
    public let carried: [Float]

    /// - Parameters:
    ///   - update: Adapter delta, `[count]`, float32, in layout order.
    ///   - residual: What earlier updates left out, `[count]`; `nil` where nothing was.
    ///   - factor: What stays of `residual`; 1: all of it, to the bit.
    public init(_ update: [Float], residual: [Float]?, factor: Float = 1) {
        guard let residual else {
            carried = update
            return
        }
        precondition(residual.count == update.count, "update \(update.count) values, residual \(residual.count)")
        carried = [Float](unsafeUninitializedCapacity: update.count) { carried, count in
            for index in update.indices {
                carried.initializeElement(at: index, to: factor * residual[index] + update[index])
            }
            count = update.count
        }
    }

    /// What is left once `bytes` have been sent, `[count]`.
    ///
    /// - Parameters:
    ///   - bytes: ``carried``, encoded by `codec` with `seed`.
    public func residual(
        afterSending bytes: [UInt8], codec: any UpdateCodec, seed: UInt64
    ) throws(CodecError) -> [Float] {
        var left = try codec.decode(bytes, count: carried.count, seed: seed)
        for index in left.indices { left[index] = carried[index] - left[index] }
        return left
    }
}
