/// One pass over a network: values forward, and where it is recorded, gradients backward.
///
/// An operation computes its result at once and, while recording, leaves a step that turns the gradient of its result
/// into gradients of what it read. Steps run in reverse order, each dropped after it ran, and memory goes back to the
/// arena with the last reference: only what backward needs is kept.
package final class Computation {
    package let engine: Engine
    /// Type of everything between layers but the residual stream.
    package let type: ElementType
    /// Adapters by linear layer; empty without any.
    package let factors: [LowRankFactors?]
    /// Of the adapter's dropout; `nil` drops nothing.
    package let adapterDropout: Dropout?
    /// Key for the base model's own dropout; `nil` outside training.
    package let modelDropoutKey: UInt64?
    package private(set) var isRecording: Bool
    /// While inner values are computed again: what only led to the result, which is known, is not needed again.
    private(set) var isRepeating = false
    var dropoutsUsed: UInt32 = 0
    private var steps: [() -> Void] = []

    package var arena: Arena { engine.arena }

    package init(
        engine: Engine, type: ElementType, factors: [LowRankFactors?] = [], adapterDropout: Dropout? = nil,
        modelDropoutKey: UInt64? = nil, isRecording: Bool
    ) {
        self.engine = engine
        self.type = type
        self.factors = factors
        self.adapterDropout = adapterDropout
        self.modelDropoutKey = modelDropoutKey
        self.isRecording = isRecording
    }

    /// Inverted dropout: values are dropped with a probability and the others scaled up.
    package struct Dropout {
        package let probability: Float
        package let key: UInt64

        package init(probability: Float, key: UInt64) {
            self.probability = probability
            self.key = key
        }
    }

    func factors(of linear: Linear) -> LowRankFactors? {
        guard let index = linear.index, !factors.isEmpty else { return nil }
        return factors[index]
    }

    /// A result `[rows, columns]`, uninitialised.
    func make(
        _ rows: Int, _ columns: Int, _ type: ElementType, needsGradient: Bool,
        restore: ((UnsafeMutableRawPointer) -> Void)? = nil
    ) -> Activation {
        Activation(
            Storage(
                rows: rows, columns: columns, type: type, needsGradient: needsGradient && isRecording, arena: arena,
                restore: restore))
    }

    /// Makes an activation's values: now, or while repeating not before somebody reads them.
    func produce(_ activation: Activation, _ make: @escaping (UnsafeMutableRawPointer) -> Void) {
        if isRepeating { activation.storage.produceLater(make) } else { make(activation.values) }
    }

    func record(_ step: @escaping () -> Void) {
        if isRecording { steps.append(step) }
    }

    /// Runs the recorded steps from the last to the first.
    package func backward() {
        while let step = steps.popLast() { step() }
    }

    /// A part of the network whose inner values are computed again in the backward pass instead of being kept.
    ///
    /// - Parameter body: Called twice; must do the same both times.
    package func recomputing(_ input: Activation, _ body: @escaping (Activation) -> Activation) -> Activation {
        guard isRecording else { return body(input) }
        let dropoutsBefore = dropoutsUsed
        isRecording = false
        let inner = body(input)
        isRecording = true
        let output = Activation(inner.storage.recorded(needsGradient: true, arena))
        record { [self] in
            guard let gradient = output.storage.takeGradient() else { return }
            let dropoutsAfter = dropoutsUsed
            dropoutsUsed = dropoutsBefore
            let outerSteps = steps
            steps = []
            let again = input.storage.recorded(needsGradient: true, arena)
            let wasRepeating = isRepeating
            isRepeating = true
            let result = body(Activation(again))
            isRepeating = wasRepeating
            result.storage.addGradient(gradient, arena)
            backward()
            steps = outerSteps
            dropoutsUsed = dropoutsAfter
            if input.needsGradient, let arrived = again.takeGradient() { input.storage.addGradient(arrived, arena) }
        }
        return output
    }
}

/// What passes of one thread share: the arena and what is computed once of frozen weights.
package final class Engine {
    package let arena = Arena()
    private var lengths: [UnsafeRawPointer: [Float]] = [:]

    package init() {}

    /// Of a frozen weight, which stays at its address: computed once.
    func squaredRowLengths(of weight: Weight, _ type: ElementType) -> [Float] {
        if let known = lengths[weight.bytes] { return known }
        let made = weight.squaredRowLengths(type)
        lengths[weight.bytes] = made
        return made
    }
}
