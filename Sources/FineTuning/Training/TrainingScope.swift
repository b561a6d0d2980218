public import ModelFiles

/// What of an adapter a round's local work trains, and what corrects its steps.
public struct TrainingScope: Sendable {
    /// What is trained; `nil`: what the run's options do not freeze.
    public var part: AdapterPart?
    /// Added to the gradient of every step once it is clipped, `[part.count]` (SCAFFOLD's `c − cᵢ`); empty: nothing is.
    public var correction: [Float]

    public init(part: AdapterPart? = nil, correction: [Float] = []) {
        self.part = part
        self.correction = correction
    }
}
