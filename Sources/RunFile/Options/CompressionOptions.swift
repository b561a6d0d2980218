public import Federation

/// A run file's `compression` section: how updates and adapters travel.
public struct CompressionOptions: Hashable, Sendable {
    /// Worker to coordinator.
    public var uplink: CodecName
    /// Coordinator to worker.
    public var downlink: CodecName
    /// Whether workers keep what the uplink's codec leaves out and add it to their next update.
    public var errorFeedback: Bool
    /// What stays of a worker's residual for each round that was published without an update of its own; `nil` without
    /// error feedback.
    public var residualDecay: Double?
}
