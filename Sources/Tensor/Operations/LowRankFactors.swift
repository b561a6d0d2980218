/// The two factors of one linear layer's update, where they lie during a pass.
package struct LowRankFactors {
    package let rank: Int
    /// α/r or α/√r
    package let scale: Float
    /// `[rank, in]`
    package let a: UnsafePointer<Float>
    /// `[out, rank]`
    package let b: UnsafePointer<Float>
    /// Where their gradients are added up; `nil` outside training.
    package let gradientA: UnsafeMutablePointer<Float>?
    package let gradientB: UnsafeMutablePointer<Float>?
    /// `[out]`: the length of each row of the adapted weight (DoRA, arXiv:2402.09353).
    package let magnitude: UnsafePointer<Float>?
    package let gradientMagnitude: UnsafeMutablePointer<Float>?
    /// A product of scale 1 that is part of the layer and does not train.
    package let frozen: Frozen?

    package struct Frozen {
        package let rank: Int
        /// `[rank, in]`
        package let a: UnsafePointer<Float>
        /// `[out, rank]`
        package let b: UnsafePointer<Float>

        package init(rank: Int, a: UnsafePointer<Float>, b: UnsafePointer<Float>) {
            self.rank = rank
            self.a = a
            self.b = b
        }
    }

    package init(
        rank: Int, scale: Float, a: UnsafePointer<Float>, b: UnsafePointer<Float>,
        gradientA: UnsafeMutablePointer<Float>?, gradientB: UnsafeMutablePointer<Float>?,
        magnitude: UnsafePointer<Float>? = nil, gradientMagnitude: UnsafeMutablePointer<Float>? = nil,
        frozen: Frozen? = nil
    ) {
        precondition(frozen == nil || magnitude == nil, "magnitudes belong to the weight without a frozen product")
        self.rank = rank
        self.scale = scale
        self.a = a
        self.b = b
        self.gradientA = gradientA
        self.gradientB = gradientB
        self.magnitude = magnitude
        self.gradientMagnitude = gradientMagnitude
        self.frozen = frozen
    }
}
