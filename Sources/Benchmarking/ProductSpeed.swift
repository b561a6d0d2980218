import Tensor

/// How fast this machine multiplies matrices, taken in a few hundredths of a second: what a worker tells a run of its
/// speed (`adapter.rank: auto`).
public enum ProductSpeed {
    /// Square float32 matrices of this size: a layer's, small enough for a processor's own cache.
    private static let size = 256
    private static let secondsAtLeast = 0.02
    private static let repetitionsAtLeast = 3

    /// The best of a few products on one thread. It leaves ``Tensor/Threads`` limited to one: set the limit afterwards.
    ///
    /// - Returns: Unit: GFLOP/s.
    public static func ofOneCore() -> Float {
        Threads.limit(to: 1)
        let left = [Float](repeating: 0.5, count: size * size)
        let right = [Float](repeating: 0.25, count: size * size)
        var result = [Float](repeating: 0, count: size * size)
        var (best, sum) = (Double.infinity, 0.0)
        var repetitions = 0
        while repetitions < repetitionsAtLeast || sum < secondsAtLeast {
            var watch = Stopwatch()
            watch.measure { multiply(left, right, &result) }
            sum += watch.seconds
            best = min(best, watch.seconds)
            repetitions += 1
        }
        precondition(result[0] == Float(size) / 8, "a product of halves and quarters is \(result[0])")
        return Float(2e-9 * Double(size * size * size) / best)
    }

    private static func multiply(_ left: [Float], _ right: [Float], _ result: inout [Float]) {
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                result.withUnsafeMutableBytes { result in
                    guard let left = left.baseAddress, let right = right.baseAddress, let result = result.baseAddress
                    else { return }
                    MatMul.multiply(
                        MatMul.Operand(left, rows: size, columns: size),
                        MatMul.Operand(right, rows: size, columns: size), into: MatMul.Result(result))
                }
            }
        }
    }
}
