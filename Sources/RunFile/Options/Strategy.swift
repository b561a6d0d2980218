public import Federation
internal import Recipe

/// What a round's updates do to the global adapter (`federation.strategy`).
public enum Strategy: String, Hashable, Sendable, CaseIterable {
    case fedavg
    /// FedAvg with ``TrainingOptions/proximal`` on by default.
    case fedprox
    case fedavgm, fedadam, fedyogi, fedadagrad, diloco, fednova
    case qfedavg = "q-fedavg"
    case scaffold
}

/// The numbers of a strategy; `nil` for those it has no use for.
public struct StrategyOptions: Hashable, Sendable {
    /// η
    public var learningRate: Double?
    /// β of fedavgm and diloco.
    public var momentum: Double?
    public var beta1: Double?
    public var beta2: Double?
    public var tau: Double?
    public var q: Double?
    public var lipschitz: Double?

    public init() {}
}

extension StrategyOptions: CustomStringConvertible {
    /// The numbers that are set, by their keys' names.
    public var description: String {
        let numbers = [
            ("server-learning-rate", learningRate), ("server-momentum", momentum), ("beta1", beta1), ("beta2", beta2),
            ("tau", tau), ("q", q), ("lipschitz", lipschitz),
        ]
        return numbers.compactMap { name, value in value.map { "\(name) \($0)" } }.joined(separator: ", ")
    }
}

extension RunConfiguration {
    /// The strategy with its numbers, and what it has to know of the workers.
    public var serverStrategy: ServerStrategy {
        let options = federation.strategyOptions
        let defaults = AdaptiveOptions()
        let adaptive = AdaptiveOptions(
            learningRate: options.learningRate ?? defaults.learningRate, beta1: options.beta1 ?? defaults.beta1,
            beta2: options.beta2 ?? defaults.beta2, tau: options.tau ?? defaults.tau)
        switch federation.strategy {
        case .fedavg, .fedprox: return .fedAvg
        case .fedavgm: return .fedAvgM(learningRate: options.learningRate ?? 1, momentum: options.momentum ?? 0.9)
        case .fedadam: return .fedAdam(adaptive)
        case .fedyogi: return .fedYogi(adaptive)
        case .fedadagrad: return .fedAdagrad(adaptive)
        case .diloco: return .diLoCo(learningRate: options.learningRate ?? 0.7, momentum: options.momentum ?? 0.9)
        case .fednova: return .fedNova(localMomentum: training.momentum)
        case .qfedavg: return .qFedAvg(q: options.q ?? 0.2, lipschitz: options.lipschitz ?? 1)
        case .scaffold:
            return .scaffold(
                learningRate: options.learningRate ?? 1, workers: federation.workers - RunSchema.heldOut(self))
        }
    }
}
