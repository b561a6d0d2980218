/// The Frobenius norm of a low-rank product from the two Gram matrices of its factors:
/// `‖BA‖² = tr(BᵀB · AAᵀ)`, r × r each.
enum ProductNorm {
    /// - Parameters:
    ///   - b: `[outputs, rank]`, row-major.
    ///   - a: `[rank, inputs]`, row-major.
    static func squared(b: [Double], a: [Double], rank: Int) -> Double {
        let (outputs, inputs) = (b.count / rank, a.count / rank)
        var sum = 0.0
        for first in 0..<rank {
            for second in 0...first {
                var left = 0.0
                for row in 0..<outputs { left += b[row * rank + first] * b[row * rank + second] }
                var right = 0.0
                for column in 0..<inputs { right += a[first * inputs + column] * a[second * inputs + column] }
                sum += (first == second ? 1 : 2) * left * right
            }
        }
        // Rounding can leave a product that vanishes just below 0.
        return max(0, sum)
    }
}
