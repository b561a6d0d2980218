internal import CKernels

extension Computation {
    /// The base model's own dropout; nothing outside training.
    package func dropout(_ x: Activation, probability: Float) -> Activation {
        guard let key = modelDropoutKey, probability > 0 else { return x }
        precondition(x.isWhole, "dropout over columns of a larger matrix")
        let stream = takeDropoutStream()
        let count = x.rows * x.columns
        let output = make(x.rows, x.columns, x.type, needsGradient: x.needsGradient)
        shoal_dropout_forward(x.type.kernelType, x.values, output.values, count, probability, key, stream)
        if output.needsGradient {
            record { [self] in
                guard let gradient = output.gradient else { return }
                let (target, accumulates) = x.gradientTarget(arena)
                if accumulates {
                    shoal_dropout_backward(x.type.kernelType, gradient, target, count, probability, key, stream)
                } else {
                    shoal_dropout_forward(x.type.kernelType, gradient, target, count, probability, key, stream)
                }
            }
        }
        return output
    }

    /// A stream of random numbers for one dropout of this pass. The adapter's masks use streams from 0 up.
    func takeDropoutStream() -> UInt32 {
        defer { dropoutsUsed += 1 }
        return 0x8000_0000 | dropoutsUsed
    }
}
