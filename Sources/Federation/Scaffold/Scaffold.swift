/// SCAFFOLD's server: `x += η Δ; c += Δc`, with Δ and Δc from ``ScaffoldMean``.
///
/// The control variate is kept as a displacement (``ControlVariate``); workers get it with the adapter.
///
/// - SeeAlso: Karimireddy et al. 2019, Algorithm 1 (arXiv:1910.06378).
public struct Scaffold: ServerOptimizer {
    public let learningRate: Double
    private var control: [Float]

    /// What the state calls the control variate.
    public static let control = "control"

    public init(learningRate: Double = 1, parameterCount: Int) {
        self.learningRate = learningRate
        control = [Float](repeating: 0, count: parameterCount)
    }

    public var state: ServerOptimizerState {
        get { ServerOptimizerState([Self.control: control]) }
        set { control = newValue.vector(Self.control, count: control.count) }
    }

    /// - Parameter delta: Δ, then Δc: `[2 · parameterCount]`.
    public mutating func step(global: inout [Float], delta: [Float]) {
        precondition(2 * global.count == delta.count && global.count == control.count, "\(delta.count) values")
        for index in global.indices {
            global[index] = Float(Double(global[index]) + learningRate * Double(delta[index]))
            control[index] += delta[global.count + index]
        }
    }
}
