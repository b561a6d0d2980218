public import Recipe

/// A worker's side of SCAFFOLD in one round: what corrects its steps, and what becomes of its control variate.
///
/// `y −= η(g − cᵢ + c)`; then, with the paper's option II, `cᵢ⁺ = cᵢ − c + (x − y)/Σηₖ`, K·η being Σηₖ for a constant
/// rate. Variates are kept and sent as displacements `C = s·c`, where s is local steps times peak rate: how far a round's
/// steps go along c. A displacement has the adapter's own size, so one codec serves an update and a change of variate
/// together, and with a constant rate `Cᵢ⁺ = Cᵢ − C + (x − y)`.
///
/// - SeeAlso: Karimireddy et al. 2019, Algorithm 1 (arXiv:1910.06378).
public struct ControlVariate: Hashable, Sendable {
    /// Cᵢ, `[count]`: zero before the worker's first update.
    public let own: [Float]
    /// C, `[count]`: zero before the first round's end.
    public let global: [Float]
    /// s
    private let reach: Double

    /// - Parameters:
    ///   - own: Cᵢ; `nil` for zero.
    ///   - global: C; `nil` for zero.
    ///   - count: Values in an update.
    public init(own: [Float]?, global: [Float]?, count: Int, training: TrainingOptions) {
        let zero = [Float](repeating: 0, count: count)
        self.own = own ?? zero
        self.global = global ?? zero
        precondition(self.own.count == count && self.global.count == count, "control variates of another size")
        reach = Double(training.localSteps) * training.learningRate
    }

    /// `c − cᵢ`, `[count]`: what is added to every step's gradient.
    public var correction: [Float] {
        guard reach > 0 else { return [Float](repeating: 0, count: own.count) }
        return zip(global, own).map { Float((Double($0) - Double($1)) / reach) }
    }

    /// `Cᵢ⁺ − Cᵢ = −C − s·Δ/Σηₖ`, `[count]`; zero where no step moved.
    ///
    /// - Parameters:
    ///   - delta: Δ = y − x, `[count]`.
    ///   - rateSum: Σηₖ over the steps behind `delta`.
    public func change(after delta: [Float], rateSum: Double) -> [Float] {
        guard rateSum > 0 else { return [Float](repeating: 0, count: own.count) }
        let factor = reach / rateSum
        return zip(global, delta).map { Float(-Double($0) - factor * Double($1)) }
    }

    /// Cᵢ⁺, `[count]`: what the worker goes on from once the update counts.
    ///
    /// - Parameter sent: The change as the coordinator decodes it. What a codec makes of it is what both sides add, so
    ///   that C stays the mean of all Cᵢ.
    public func own(after sent: [Float]) -> [Float] {
        zip(own, sent).map { $0 + $1 }
    }
}
