/// A run file's `simulation` section: how the machines of simulated workers differ from this one.
public struct SimulationOptions: Hashable, Sendable {
    /// The part of the workers that are slow.
    public var slowShare: Double
    /// How many times as long a slow worker takes for a step.
    public var slowFactor: Double
    /// Virtual time of one step of a worker that is not slow, where the simulation has but one process.
    public var stepTime: Duration
    /// The part of the workers that train with `training.command`; `nil`: all.
    public var commandShare: Double?

    public init(slowShare: Double, slowFactor: Double, stepTime: Duration) {
        self.slowShare = slowShare
        self.slowFactor = slowFactor
        self.stepTime = stepTime
    }

    /// Unit: seconds.
    public var stepSeconds: Double { stepTime / .seconds(1) }
}
