/// What a side can do beyond version 1's first messages, as `Hello` and `Welcome` name it.
public enum Feature {
    /// The coordinator takes `updateWhole` and ``Accept/adapterCredit``.
    public static let frugalUplink = "frugal-uplink"
    /// Signed round records: `RecordHead` and `Countersign`.
    public static let roundRecords = "round-records"
    /// The worker does what ``UpdatePrivacy`` asks.
    public static let privateUpdates = "private-updates"
    /// The worker does what ``UpdateMasking`` asks, and signs with an identity of its own.
    public static let maskedUpdates = "masked-updates"
    /// The worker knows changes that leave out a factor: ``CatchUp/frozenFactors``.
    public static let partialChanges = "partial-changes"

    /// The worker adds the noise that ``UpdateMasking/noise`` asks for.
    public static let sharedNoise = "shared-noise"

    /// The worker trains as ``TrainingOptions/exampleClip`` asks.
    public static let privateExamples = "private-examples"

    /// The worker keeps a residual for each of the parts that take turns: ``Offer/residualTurns``.
    public static let residualTurns = "residual-turns"

    /// What protects a worker: an owner's policy does not take a run's tasks any more once one of these is gone.
    public static let protecting: Set<String> = [roundRecords, privateUpdates]
}
