public import ModelFiles

/// How a worker trains in a round: the run file's `training` section and part of every offer.
public struct TrainingOptions: Hashable, Sendable {
    public enum Optimizer: String, Sendable, CaseIterable { case adamw, sgd }
    public enum Schedule: String, Sendable, CaseIterable { case constant, linear, cosine }
    public enum Precision: String, Sendable, CaseIterable { case float32, bfloat16 }

    /// Optimiser steps a round.
    public var localSteps: Int
    /// Passes over its own text that a worker takes in a round at most (``steps(items:)``), above 0; `nil`: all take
    /// ``localSteps``.
    public var localEpochs: Double?
    /// Blocks in one forward and backward pass.
    public var batchSize: Int
    /// Passes whose gradients are averaged before one optimiser step.
    public var accumulationSteps: Int
    /// Unit: tokens.
    public var sequenceLength: Int
    public var optimizer: Optimizer
    /// The peak rate.
    public var learningRate: Double
    public var schedule: Schedule
    /// Global steps over which the rate rises linearly from 0.
    public var warmupSteps: Int
    /// Global steps over which the schedule runs: rounds · local steps.
    public var totalSteps: Int
    public var weightDecay: Double
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    /// SGD's momentum.
    public var momentum: Double
    /// The largest gradient norm, all parameters together; `nil` never clips.
    public var clipNorm: Double?
    /// μ: adds the gradient of `(μ/2)‖w − w_t‖²`, w_t being the adapter that the round began with (FedProx,
    /// arXiv:1812.06127); above 0. `nil` adds nothing.
    public var proximal: Double?
    /// The factor that this round neither trains nor sends; `nil`: all of the adapter is trained.
    public var frozenFactor: AdapterTensorName.Factor?
    /// What the worker keeps for itself.
    public var personal = PersonalOptions()
    public var precision: Precision
    /// Inner values of each layer are computed again in the backward pass instead of being kept: less memory, more
    /// time.
    public var recomputes: Bool
    /// The base model's weights are laid out for products once: more speed, more memory.
    public var prepacks: Bool
    /// How conversations become text; `nil` recognises the base model's own template.
    public var chatTemplate: ChatTemplateName?
    /// Classes in the order of the head's outputs, for classification; empty for language modelling.
    public var classNames: [String]
    /// For classification: a batch draws every class that the worker has equally often, and a class that it does not have
    /// takes no part in its loss. Otherwise examples are drawn as frequent as they are.
    public var balancesClasses: Bool
    /// Largest L2 norm of the gradient of one block or example, where noise bounds what an update tells of any one of
    /// them (DP-SGD, arXiv:1607.00133); `nil`: none does.
    public var exampleClip: Double?
    /// Standard deviation of that noise over `exampleClip`; both or none.
    public var exampleNoiseMultiplier: Double?

    public init(
        localSteps: Int = 10, batchSize: Int = 8, accumulationSteps: Int = 1, sequenceLength: Int = 128,
        optimizer: Optimizer = .adamw, learningRate: Double = 1e-3, schedule: Schedule = .constant,
        warmupSteps: Int = 0, totalSteps: Int = 0, weightDecay: Double = 0, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8, momentum: Double = 0, clipNorm: Double? = 1, precision: Precision = .float32,
        recomputes: Bool = false, prepacks: Bool = false, proximal: Double? = nil,
        frozenFactor: AdapterTensorName.Factor? = nil, chatTemplate: ChatTemplateName? = nil, classNames: [String] = [],
        balancesClasses: Bool = false
    ) {
        self.localSteps = localSteps
        self.batchSize = batchSize
        self.accumulationSteps = accumulationSteps
        self.sequenceLength = sequenceLength
        self.optimizer = optimizer
        self.learningRate = learningRate
        self.schedule = schedule
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
        self.weightDecay = weightDecay
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.momentum = momentum
        self.clipNorm = clipNorm
        self.proximal = proximal
        self.frozenFactor = frozenFactor
        self.precision = precision
        self.recomputes = recomputes
        self.prepacks = prepacks
        self.chatTemplate = chatTemplate
        self.classNames = classNames
        self.balancesClasses = balancesClasses
    }

    /// Optimiser steps of a worker with so many blocks or examples: ``localEpochs`` passes over them, rounded up, and no
    /// more than ``localSteps``.
    public func steps(items: Int) -> Int {
        guard let localEpochs else { return localSteps }
        let wanted = (localEpochs * Double(items) / (Double(batchSize) * Double(accumulationSteps))).rounded(.up)
        // Compared as Doubles: an offer's numbers may be beyond any Int.
        return wanted < Double(localSteps) ? max(1, Int(wanted)) : localSteps
    }
}
