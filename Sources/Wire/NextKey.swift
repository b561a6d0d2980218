/// The key that a coordinator will take in place of the one it has.
public struct NextKey: Hashable, Sendable {
    /// The CURVE public key.
    public var key: PublicKey
    /// Ed25519 by the run's record key over ``signedText(_:)``, 64 bytes; `nil` where the run signs nothing, and where a
    /// worker merely says which key it keeps.
    public var signature: [UInt8]?

    public init(key: PublicKey, signature: [UInt8]? = nil) {
        self.key = key
        self.signature = signature
    }

    /// What the run's record key signs for an announcement.
    public static func signedText(_ key: PublicKey) -> [UInt8] {
        Array("shoal coordinator key".utf8) + [0] + key.bytes
    }
}

/// Where a worker keeps which keys it takes for its coordinator's, durably: the announced one takes over once a coordinator
/// proved to hold it.
public protocol CoordinatorKeyMemory: AnyObject {
    /// The key to ask for first, then the announced one if there is one.
    var keys: [PublicKey] { get }
    /// The coordinator, proven by the first of ``keys``, says which key follows. Durable when it returns.
    func announce(_ key: PublicKey) throws
    /// A coordinator proved to hold this key: one that was announced replaces the first. Durable when it returns.
    func confirm(_ key: PublicKey) throws
}
