internal import CKernels

extension Computation {
    /// Stands for the logit of a class that takes no part. Finite, so that no kernel meets an infinity.
    private static let leftOutLogit: Float = -1e9

    /// Cross-entropy over a handful of classes.
    ///
    /// - Parameters:
    ///   - logits: `[rows, classes]`, float32.
    ///   - labels: `[rows]`, class numbers from 0.
    ///   - leftOut: Class numbers that take no part: their probability and gradient are 0.
    ///   - gradientScale: The gradient of the sum of all losses times this goes to `logits`.
    /// - Returns: `[rows]`. Unit: nats.
    package func classLosses(
        _ logits: Activation, labels: [Int32], leavingOut leftOut: [Int] = [], gradientScale: Float
    ) -> [Float] {
        precondition(logits.rows == labels.count && logits.isWhole, "one label a row")
        precondition(labels.allSatisfy { $0 >= 0 && Int($0) < logits.columns }, "a label beyond the classes")
        var losses = [Float](repeating: 0, count: labels.count)
        let (target, accumulates) = logits.gradientTarget(arena)
        precondition(!accumulates, "logits are read once")
        target.copyMemory(from: logits.floats, byteCount: labels.count * logits.columns * 4)
        let gradient = target.assumingMemoryBound(to: Float.self)
        for row in labels.indices {
            for column in leftOut { gradient[row * logits.columns + column] = Self.leftOutLogit }
        }
        shoal_cross_entropy(gradient, labels, &losses, labels.count, logits.columns, true, gradientScale)
        return losses
    }
}
