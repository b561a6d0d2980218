/// A run file's `limits` section: how long one side waits for the other.
public struct LimitOptions: Hashable, Sendable {
    /// A task is given to another worker when no heartbeat renews it within this time.
    public var lease: Duration
    /// How often a worker says that it lives.
    public var heartbeat: Duration
    /// A worker that has trained so long in this run is not asked again; `nil`: no limit.
    public var workerTime: Duration?
    /// A worker that has used so much energy in this run is not asked again; `nil`: no limit. Unit: joules.
    public var workerEnergy: Double?

    /// Unit: seconds.
    public var leaseSeconds: Double { lease / .seconds(1) }
    /// Unit: seconds.
    public var heartbeatSeconds: Double { heartbeat / .seconds(1) }
}
