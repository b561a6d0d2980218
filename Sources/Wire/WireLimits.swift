/// What a message may weigh. Checked before anything is unpacked or allocated for it.
public enum WireLimits {
    /// One packed envelope. Unit: bytes.
    public static let envelopeBytes = 64 << 10
    /// One chunk's payload frame. Unit: bytes.
    public static let payloadBytes = 1 << 20
    /// The largest object (base model shard, adapter, update) that offsets can name. Unit: bytes.
    public static let objectBytes: UInt64 = 1 << 40
    /// A reason written for people. Longer ones are cut when packed. Unit: bytes.
    public static let sentenceBytes = 1_024
    /// A feature or a program's version. Unit: bytes.
    public static let labelBytes = 64
    /// The run's identifier. Unit: bytes.
    public static let runBytes = 128
    /// A codec or a layer name. Unit: bytes.
    public static let nameBytes = 256
    /// Features or codecs in one `Hello`.
    public static let featureCount = 64
    /// Target layers in one offer.
    public static let targetCount = 1_024
    /// Classes that a head tells apart.
    public static let classCount = 1_024
    /// A regular expression over layer names. Unit: bytes.
    public static let patternBytes = 4_096
    /// Content hashes in one `RecordHead`.
    public static let linkCount = 1_024
    /// Attempts that one offer takes back.
    public static let rolledBackCount = 256
    /// Messages in a list that has no limit of its own.
    public static let entryCount = 256
}
