/// FedProx's proximal term, `(μ/2)‖w − w_t‖²`: holds a worker near the adapter that the round began with.
///
/// - SeeAlso: Li et al. 2018 (arXiv:1812.06127).
public enum Proximal {
    /// Adds the term's gradient: `g += μ(w − w_t)`.
    ///
    /// - Parameters:
    ///   - weight: μ.
    ///   - values: w, `[n]`.
    ///   - start: w_t, `[n]`.
    ///   - gradient: `[n]`; changed in place.
    public static func add(_ weight: Double, values: [Float], start: [Float], to gradient: inout [Float]) {
        precondition(values.count == start.count && values.count == gradient.count, "\(values.count) values")
        let weight = Float(weight)
        for index in values.indices { gradient[index] += weight * (values[index] - start[index]) }
    }
}
