import CWire

/// Owns the C structures that protobuf-c unpacked, and frees them all with the one call that knows their shape.
struct UnpackedEnvelope: ~Copyable {
    /// Not null; everything it points to was allocated by protobuf-c and lives as long as this value.
    private let root: UnsafeMutablePointer<Shoal__V1__Envelope>

    /// Fails when the bytes are not a protobuf message of this shape, or memory is short.
    ///
    /// The caller has checked the size: protobuf-c allocates in proportion to it.
    init?(_ bytes: UnsafeRawBufferPointer) {
        // protobuf-c reads nothing for a length of 0 but wants an address.
        let address = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
        let start = address?.assumingMemoryBound(to: UInt8.self)
        guard let root = shoal__v1__envelope__unpack(nil, bytes.count, start) else { return nil }
        self.root = root
    }

    deinit { shoal__v1__envelope__free_unpacked(root, nil) }

    /// Lends the structures; nothing of them may leave `body`.
    borrowing func read<Result>(
        _ body: (borrowing Shoal__V1__Envelope) throws(WireError) -> Result
    ) throws(WireError) -> Result {
        try body(root.pointee)
    }

    /// Whether the sender set a field in the range that `Envelope.message` reserves for messages.
    var holdsUnknownMessage: Bool {
        let base = root.pointee.base
        guard let fields = base.unknown_fields else { return false }
        return (0..<Int(base.n_unknown_fields)).contains { fields[$0].tag >= 16 }
    }
}
