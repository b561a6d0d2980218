public import Federation
public import ModelFiles
public import Recipe

public struct LocalTask: Sendable {
    public enum Kind: Hashable, Sendable { case train, evaluate }
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
    public var values: [Float]
    public var modelPath: String
}
public enum TaskEvent: Sendable {
    case progress(step: Int, totalSteps: Int, loss: Double)
    case trained(values: [Float], trainingItems: Int, steps: Int, tokens: Int, meanLoss: Double)
    case evaluated(items: Int, lossSum: Double, squaredLossSum: Double)
    case failed(reason: String)
}
public protocol TaskRunning: AnyObject {
    func start(_ task: LocalTask, report: @escaping @Sendable (TaskEvent) -> Void)
    func cancel(lease: UInt64)
}
