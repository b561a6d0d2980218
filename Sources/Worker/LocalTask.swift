public import Federation
public import ModelFiles
public import Recipe
public import Wire

/// What a worker computes on its own text for one lease.
public struct LocalTask: Sendable {
    public enum Kind: Hashable, Sendable {
        /// Train the adapter on the training split.
        case train
        /// Measure the adapter's loss on the worker's own held-out split.
        case evaluate
    }

    /// Factors that no worker changes.
    public struct FixedFactors: Hashable, Sendable {
        public let layout: AdapterLayout
        /// `[layout.parameterCount]`
        public let values: [Float]
    }

    public var kind: Kind
    public var lease: UInt64
    public var run: RunID
    /// 1 is the first round; an evaluation names the adapter's version, 0 before round 1.
    public var round: Int
    public var attempt: Int
    /// The name the coordinator knows this worker by: it keys the task's random streams.
    public var worker: WorkerName
    /// Keys every random stream of the task.
    public var seed: UInt64
    /// Keys what picks examples, and dropout, in place of ``seed`` where the owner's policy wants its steps to be this
    /// worker's own; no step takes an example twice then while others are left. `nil`: the run's seed does, and draws with
    /// replacement.
    public var ownSeed: UInt64?
    public var adapterOptions: AdapterOptions
    public var training: TrainingOptions
    public var layout: AdapterLayout
    /// The global adapter, `[layout.parameterCount]`, float32.
    public var values: [Float]
    /// The base model's directory.
    public var modelPath: String
    /// What earlier rounds added to the base for good; `nil`: nothing.
    public var residual: AdapterResidual?
    /// Added to the gradient of every training step, in the order of what travels (``TrainingScope``); empty: nothing.
    public var correction: [Float] = []
    /// The worker's own adapter beside the global one, of the same layout; `nil` draws a fresh one where the training
    /// options ask for one.
    public var localAdapter: [Float]?
    /// What surrounds the values, which are Fed-SB's cores then; `nil` where they are an adapter.
    public var fixedFactors: FixedFactors?
    /// Says whether the owner refuses a task over so many blocks or examples; `nil`: no.
    public var refusal: (@Sendable (_ items: Int, Kind) -> PolicyRefusal?)?
    /// Says whether the coordinator is not to learn that there are so many blocks or examples; `nil`: it may.
    public var hidesItems: (@Sendable (_ items: Int) -> Bool)?
    /// Pays for noise on single examples; `nil` refuses a task that asks for it.
    public var examplePayment: ExamplePayment?
    /// Where the worker's own model is to be written as a PEFT directory; `nil`: nowhere.
    public var modelFolder: String?

    public init(
        kind: Kind, lease: UInt64, run: RunID, round: Int, attempt: Int, worker: WorkerName, seed: UInt64,
        adapterOptions: AdapterOptions, training: TrainingOptions, layout: AdapterLayout, values: [Float],
        modelPath: String, residual: AdapterResidual? = nil
    ) {
        precondition(values.count == layout.parameterCount, "\(values.count) values for \(layout.parameterCount)")
        self.kind = kind
        self.lease = lease
        self.run = run
        self.round = round
        self.attempt = attempt
        self.worker = worker
        self.seed = seed
        self.adapterOptions = adapterOptions
        self.training = training
        self.layout = layout
        self.values = values
        self.modelPath = modelPath
        self.residual = residual
    }

    /// Optimiser steps over so many blocks or examples. Passes over them (``Recipe/TrainingOptions/localEpochs``) would tell
    /// their number, by steps, tokens, heartbeats and time: where it is not to be told, all steps are taken.
    public func steps(items: Int) -> Int {
        hidesItems?(items) == true ? training.localSteps : training.steps(items: items)
    }
}

/// What a task tells while it runs; all but progress and waiting end it.
public enum TaskEvent: Sendable {
    /// The task waits until its machine has room for it.
    case waitsForSlot
    /// The wait is over.
    case tookSlot
    /// - Parameters:
    ///   - step: Finished steps of this task.
    ///   - loss: Mean over the finished steps. Unit: nats a token.
    ///   - items: Size of the training set. Unit: blocks or examples.
    case progress(step: Int, totalSteps: Int, loss: Double, items: Int)
    /// - Parameters:
    ///   - values: The adapter after training, `[layout.parameterCount]`, float32.
    ///   - trainingItems: What the update weighs, by default the size of the training set. Unit: blocks or examples.
    ///   - tokens: Tokens trained on in this task.
    ///   - meanLoss: Mean over the task's steps. Unit: nats a token.
    ///   - local: The worker's own adapter after training, `[layout.parameterCount]`, where it has one.
    ///   - cost: Of the training; `nil`: unknown.
    case trained(
        values: [Float], trainingItems: Int, steps: Int, tokens: Int, meanLoss: Double, local: [Float]? = nil,
        cost: TaskCost? = nil)
    /// - Parameters:
    ///   - items: Held-out blocks or examples.
    ///   - lossSum: Sum over items of the item's mean loss. Unit: nats a token.
    ///   - squaredLossSum: Sum over items of that loss squared.
    case evaluated(items: Int, lossSum: Double, squaredLossSum: Double)
    /// The task cannot be carried out.
    case failed(reason: TaskReason)
    /// This worker's text can never be trained on in this run.
    case unsuitable(reason: TaskReason)
}

/// Carries out tasks away from the loop's thread.
public protocol TaskRunning: AnyObject {
    /// Begins a task and returns at once.
    ///
    /// - Parameter report: May be called from any thread; after ``cancel(lease:)`` what it says is ignored.
    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void)
    /// Gives a task up; it need not report any more.
    func cancel(lease: UInt64)
}
