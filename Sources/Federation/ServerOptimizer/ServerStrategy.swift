/// How a round's updates become one, and what that one does to the global adapter (`federation.strategy`).
public enum ServerStrategy: Hashable, Sendable {
    case fedAvg
    case fedAvgM(learningRate: Double, momentum: Double)
    case fedAdam(AdaptiveOptions)
    case fedYogi(AdaptiveOptions)
    case fedAdagrad(AdaptiveOptions)
    case diLoCo(learningRate: Double, momentum: Double)
    /// - Parameter localMomentum: Of the workers' SGD; 0: none.
    case fedNova(localMomentum: Double)
    case qFedAvg(q: Double, lipschitz: Double)
    /// - Parameter workers: All that may train.
    case scaffold(learningRate: Double, workers: Int)

    /// The server optimiser in the state before the first round.
    public func optimizer(parameterCount: Int) -> any ServerOptimizer {
        switch self {
        case .fedAvg, .fedNova, .qFedAvg: FedAvg()
        case .fedAvgM(let rate, let momentum):
            FedAvgM(learningRate: rate, momentum: momentum, parameterCount: parameterCount)
        case .fedAdam(let options): FedAdam(options, parameterCount: parameterCount)
        case .fedYogi(let options): FedYogi(options, parameterCount: parameterCount)
        case .fedAdagrad(let options): FedAdagrad(options, parameterCount: parameterCount)
        case .diLoCo(let rate, let momentum):
            DiLoCo(learningRate: rate, momentum: momentum, parameterCount: parameterCount)
        case .scaffold(let rate, _): Scaffold(learningRate: rate, parameterCount: parameterCount)
        }
    }

    /// Whether updates carry the change of a control variate behind the change of the adapter.
    public var keepsControl: Bool { if case .scaffold = self { true } else { false } }

    /// Values in an update.
    /// - Parameter parameterCount: Values of the adapter that travel in the round.
    public func updateCount(parameterCount: Int) -> Int { keepsControl ? 2 * parameterCount : parameterCount }

    /// An empty combination of a round's updates.
    public func combination(parameterCount: Int) -> any UpdateCombination {
        switch self {
        case .fedNova(let momentum): NormalisedMean(momentum: momentum, parameterCount: parameterCount)
        case .qFedAvg(let q, let lipschitz): FairMean(q: q, lipschitz: lipschitz, parameterCount: parameterCount)
        case .scaffold(_, let workers): ScaffoldMean(workers: workers, parameterCount: parameterCount)
        case .fedAvg, .fedAvgM, .fedAdam, .fedYogi, .fedAdagrad, .diLoCo: WeightedMean(parameterCount: parameterCount)
        }
    }

    /// What every first round starts from.
    public func initialState(parameterCount: Int) -> ServerOptimizerState {
        optimizer(parameterCount: parameterCount).state
    }
}
