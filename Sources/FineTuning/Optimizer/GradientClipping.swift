internal import Tensor

/// Scales a gradient down to a largest norm.
public enum GradientClipping {
    /// Scales `gradient` in place so that its L2 norm is at most `limit`, as `torch.nn.utils.clip_grad_norm_` does.
    ///
    /// - Returns: The norm before clipping.
    @discardableResult
    public static func clip(_ gradient: inout [Float], to limit: Double) -> Double {
        let norm = VectorKernels.squaredNorm(gradient).squareRoot()
        let factor = limit / (norm + 1e-6)
        if factor < 1 { VectorKernels.scale(&gradient, by: Float(factor)) }
        return norm
    }
}
