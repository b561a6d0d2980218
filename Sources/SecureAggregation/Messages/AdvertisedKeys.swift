public import Federation

/// Worker to coordinator, first step: the public halves of the keys that the worker made for this attempt, signed by
/// its long-lived identity together with run, round and attempt.
public struct AdvertisedKeys: Hashable, Sendable {
    public let worker: WorkerName
    /// X25519, 32 bytes: agrees on masks.
    public let maskKey: [UInt8]
    /// X25519, 32 bytes: agrees on what shares are sealed with.
    public let shareKey: [UInt8]
    /// Ed25519, 64 bytes.
    public let signature: [UInt8]

    /// - Precondition: Keys of 32 bytes and a signature of 64.
    package init(worker: WorkerName, maskKey: [UInt8], shareKey: [UInt8], signature: [UInt8]) {
        precondition(maskKey.count == 32 && shareKey.count == 32 && signature.count == IdentitySignature.byteCount)
        self.worker = worker
        self.maskKey = maskKey
        self.shareKey = shareKey
        self.signature = signature
    }

    /// What the signature is over.
    static func signed(_ worker: WorkerName, maskKey: [UInt8], shareKey: [UInt8], in context: MaskingContext) -> [UInt8]
    {
        var writer = context.bytes("mask keys")
        writer.append(text: worker.text)
        writer.append(fixed: maskKey)
        writer.append(fixed: shareKey)
        return writer.bytes
    }

    /// - Parameter identity: The worker's Ed25519 public key, 32 bytes.
    func check(in context: MaskingContext, by identity: [UInt8]?) throws(MaskingError) {
        guard let identity else { throw .unknownWorker(worker) }
        let message = Self.signed(worker, maskKey: maskKey, shareKey: shareKey, in: context)
        guard IdentitySignature.isValid(signature, of: message, by: identity) else { throw .badSignature(worker) }
    }

    // Bytes

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        write(to: &writer)
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "mask keys")
        try self.init(from: &reader)
        try reader.finish()
    }

    func write(to writer: inout ByteWriter) {
        writer.append(text: worker.text)
        writer.append(fixed: maskKey)
        writer.append(fixed: shareKey)
        writer.append(fixed: signature)
    }

    init(from reader: inout ByteReader) throws(MaskingError) {
        self.init(
            worker: try reader.worker(), maskKey: try reader.fixed(32), shareKey: try reader.fixed(32),
            signature: try reader.fixed(IdentitySignature.byteCount))
    }

    /// The fewest that keys take, a name of one byte.
    static let bytesMin = 2 + 64 + IdentitySignature.byteCount
}
