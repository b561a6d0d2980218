/// What a worker's model has beside the run's adapter (`federation.personalisation`).
public enum Personalisation: String, Hashable, Sendable, CaseIterable {
    case none
    /// A low-rank adapter of the same shape that trains on top of the run's and never leaves the worker.
    case localAdapter = "local-adapter"
}
