/// `Σ xᵢ yᵢ` in a fixed order of additions.
enum ScalarProduct {
    /// - Parameters:
    ///   - left: `[n]`
    ///   - right: `[n]`
    static func of(_ left: UnsafeBufferPointer<Double>, _ right: UnsafeBufferPointer<Double>) -> Double {
        precondition(left.count == right.count, "\(left.count) values by \(right.count)")
        // Eight sums, or each addition waits for the one before.
        var sums = SIMD8<Double>.zero
        let whole = left.count / 8 * 8
        for start in stride(from: 0, to: whole, by: 8) {
            var (x, y) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
            for lane in 0..<8 {
                x[lane] = left[start + lane]
                y[lane] = right[start + lane]
            }
            sums += x * y
        }
        var rest = 0.0
        for index in whole..<left.count { rest += left[index] * right[index] }
        return sums.sum() + rest
    }
}
