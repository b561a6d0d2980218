internal import CKernels

extension Computation {
    /// Cross-entropy over a handful of classes.
    ///
    /// - Parameters:
    ///   - logits: `[rows, classes]`, float32.
    ///   - labels: `[rows]`, class numbers from 0.
    ///   - gradientScale: The gradient of the sum of all losses times this goes to `logits`.
    /// - Returns: `[rows]`. Unit: nats.
    package func classLosses(_ logits: Activation, labels: [Int32], gradientScale: Float) -> [Float] {
        precondition(logits.rows == labels.count && logits.isWhole, "one label a row")
        precondition(labels.allSatisfy { $0 >= 0 && Int($0) < logits.columns }, "a label beyond the classes")
        var losses = [Float](repeating: 0, count: labels.count)
        let (gradient, accumulates) = logits.gradientTarget(arena)
        precondition(!accumulates, "logits are read once")
        gradient.copyMemory(from: logits.floats, byteCount: labels.count * logits.columns * 4)
        shoal_cross_entropy(
            gradient.assumingMemoryBound(to: Float.self), labels, &losses, labels.count, logits.columns, true,
            gradientScale)
        return losses
    }
}
