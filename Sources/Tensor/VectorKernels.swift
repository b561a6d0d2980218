internal import CKernels

/// Loops over whole parameter vectors, on the vector unit of the running CPU.
public enum VectorKernels {
    /// One step of Adam with decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101), as `torch.optim.AdamW`.
    ///
    /// - Parameters:
    ///   - values: `[n]`, changed in place.
    ///   - gradient: `[n]`.
    ///   - firstMoment: `[n]`, running mean of the gradient.
    ///   - secondMoment: `[n]`, running mean of its square.
    ///   - step: Counts from 1; corrects the bias of both moments.
    public static func adamWStep(
        values: inout [Float], gradient: [Float], firstMoment: inout [Float], secondMoment: inout [Float], step: Int,
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0
    ) {
        let count = values.count
        precondition(gradient.count == count, "gradient \(gradient.count) values, parameters \(count)")
        precondition(firstMoment.count == count && secondMoment.count == count, "moments of another parameter vector")
        precondition(step >= 1, "step \(step) counts from 1")
        shoal_adamw_step(
            &values, gradient, &firstMoment, &secondMoment, count, learningRate, beta1, beta2, epsilon, weightDecay,
            Float(1 - power(Double(beta1), step)), Float(1 - power(Double(beta2), step)))
    }

    /// The sum of squares, accumulated in double precision in a fixed order.
    public static func squaredNorm(_ values: [Float]) -> Double {
        shoal_squared_norm(values, values.count)
    }

    /// The scalar product, accumulated in double precision in a fixed order.
    public static func dot(_ left: [Float], _ right: [Float]) -> Double {
        precondition(left.count == right.count, "\(left.count) values times \(right.count)")
        return shoal_dot(left, right, left.count)
    }

    /// `values *= factor`
    public static func scale(_ values: inout [Float], by factor: Float) {
        shoal_scale(&values, factor, values.count)
    }

    /// `target += factor * values`
    public static func addScaled(_ values: [Float], by factor: Float = 1, to target: inout [Float]) {
        precondition(values.count == target.count, "\(values.count) values onto \(target.count)")
        shoal_axpy(factor, values, &target, values.count)
    }

    /// By squaring: the exponent is a step count.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var factor = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= factor }
            factor *= factor
            rest >>= 1
        }
        return result
    }
}
