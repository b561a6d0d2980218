public import Federation
public import ModelFiles
public import Recipe

/// What an offer asks for, with everything at hand: the base model on disk, the global adapter in memory.
public struct LocalTask: Sendable {
    public enum Kind: Hashable, Sendable {
        case train
        /// Of the worker's own held-out split.
        case evaluate
    }

    public var kind: Kind
    public var lease: UInt64
    public var run: String
    public var round: Int
    public var attempt: Int
    public var worker: WorkerName
    public var seed: UInt64
    public var adapterOptions: AdapterOptions
    public var training: TrainingOptions
    public var layout: AdapterLayout
    /// The global adapter's flat vector, `[layout.parameterCount]`; finite.
    public var adapter: [Float]
    public var modelDirectory: String
}

/// What became of a task.
public enum TaskResult: Hashable, Sendable {
    /// - Parameters:
    ///   - values: The local adapter's flat vector after training, in the task's layout.
    ///   - trainingItems: Size of the training set. Unit: blocks or examples.
    ///   - meanLoss: Over the steps. Unit: nats a token.
    case trained(values: [Float], trainingItems: UInt64, steps: UInt32, tokens: UInt64, meanLoss: Float)
    /// Sums over held-out items of each item's mean loss and of its square. Unit: nats a token.
    case evaluated(items: UInt64, lossSum: Double, squaredLossSum: Double)
}

public enum TaskEvent: Hashable, Sendable {
    case progress(step: UInt32, totalSteps: UInt32, meanLoss: Float?)
    case finished(TaskResult)
    /// The task cannot be done; the reason is a sentence for the coordinator's operator.
    case failed(reason: String)
}

/// Carries out tasks, one at a time, on a thread of its own: the service goes on talking meanwhile.
public protocol TaskRunning: AnyObject {
    /// - Parameter report: May be called from any thread; after `finished` or `failed` no more.
    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void)
    /// Stops a task as soon as it can; what it still reports is ignored.
    func cancel(lease: UInt64)
}
