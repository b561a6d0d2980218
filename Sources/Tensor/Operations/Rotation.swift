internal import CKernels

/// Cosines and sines of rotary angles, `[positions, pairs]` each.
package final class RotaryAngles {
    /// Values of a head that turn.
    package let rotated: Int
    package private(set) var cosine: [Float] = []
    package private(set) var sine: [Float] = []
    private var positions = 0
    /// The angle's cosine and sine at a position, for each pair.
    private let angles: (_ position: Int) -> [(cosine: Float, sine: Float)]

    package init(rotated: Int, angles: @escaping (Int) -> [(cosine: Float, sine: Float)]) {
        precondition(rotated > 0 && rotated % 2 == 0, "\(rotated) rotated values")
        self.rotated = rotated
        self.angles = angles
    }

    /// Makes the table reach position `count - 1`.
    package func reserve(_ count: Int) {
        while positions < count {
            for angle in angles(positions) {
                cosine.append(angle.cosine)
                sine.append(angle.sine)
            }
            positions += 1
        }
    }
}

extension Computation {
    /// Turns each head's first values by its position's angles, in place.
    ///
    /// - Parameters:
    ///   - x: `[blocks · length, heads · head size]`
    ///   - start: Position of each block's first row.
    package func rotate(_ x: Activation, _ angles: RotaryAngles, heads: Int, length: Int, start: Int = 0) {
        angles.reserve(start + length)
        let turn = { (address: UnsafeMutableRawPointer, forward: Bool) in
            angles.cosine.withUnsafeBufferPointer { cosine in
                angles.sine.withUnsafeBufferPointer { sine in
                    var shape = shoal_rotary(
                        rows: x.rows, length: length, start: start, heads: heads, head_size: x.columns / heads,
                        rotated: angles.rotated, stride: x.stride, cosine: cosine.baseAddress, sine: sine.baseAddress)
                    if forward {
                        shoal_rotary_forward(x.type.kernelType, address, &shape)
                    } else {
                        shoal_rotary_backward(x.type.kernelType, address, &shape)
                    }
                }
            }
        }
        turn(x.values, true)
        if x.needsGradient {
            record { if let gradient = x.gradient { turn(gradient, false) } }
        }
    }
}
