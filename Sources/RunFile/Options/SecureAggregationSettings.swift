internal import Federation
public import SecureAggregation

/// The part of a run file's `privacy` section that hides single updates from the coordinator.
public struct SecureAggregationSettings: Hashable, Sendable {
    public var isOn = false
    /// Unit: of an update's values.
    public var clip: Double?
    public var levels: Int?
    /// Unit: workers.
    public var minimumCohort: Int?
    /// Of a round's workers. Unit: fraction.
    public var corrupt: Double?
    /// Of a round's workers. Unit: fraction.
    public var dropout: Double?
    public var stepDeadline: Duration?

    public init() {}
}

extension RunConfiguration {
    /// The largest weight that a masked sum can hold.
    static let maskedWeightMax = 1 << 31

    /// How updates are summed under masks; `nil`: they are not.
    public var maskingOptions: MaskingOptions? {
        let settings = privacy.secureAggregation
        guard settings.isOn, let clip = settings.clip, let weightLimit = federation.weightCap.maximumItems,
            weightLimit <= Self.maskedWeightMax
        else { return nil }
        return MaskingOptions(
            clip: Float(clip), levels: settings.levels ?? 127, weightLimit: weightLimit,
            minimumCohort: settings.minimumCohort ?? 3,
            assumptions: MaskingAssumptions(
                corruptFraction: settings.corrupt ?? 0.1, dropoutFraction: settings.dropout ?? 0.1),
            stepSeconds: (settings.stepDeadline ?? .seconds(60)) / .seconds(1))
    }
}
