public import ModelFiles

/// One worker's update as it was sent, and how much it counts.
public struct EncodedUpdate: Sendable {
    public let bytes: MappedFile
    /// The one the update was encoded with (``CodecSeed``).
    public let seed: UInt64
    /// Training items behind the update (``WeightCap``); finite and above 0.
    public let weight: Double

    public init(_ bytes: MappedFile, seed: UInt64, weight: Double) {
        self.bytes = bytes
        self.seed = seed
        self.weight = weight
    }
}
