/// What a training task took on its worker's machine.
public struct TaskCost: Hashable, Sendable {
    /// From when the machine had room for the task until its result was there, loading the base model included. Unit:
    /// seconds.
    public var seconds: Double
    /// This task's part of what the machine used meanwhile. Unit: joules; `nil`: not told.
    public var joules: Double?
    /// Whether `joules` comes from counters of the hardware; otherwise it is an estimate from processor time.
    public var isMeasured: Bool

    /// More than this is nobody's cost. Unit: seconds, joules.
    public static let limit = 1e12

    public init(seconds: Double, joules: Double? = nil, isMeasured: Bool = false) {
        self.seconds = seconds
        self.joules = joules
        self.isMeasured = isMeasured
    }
}
