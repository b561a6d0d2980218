/// Worker to coordinator, second step: a sealed share of both its secrets for each neighbour.
public struct SealedShares: Hashable, Sendable {
    /// Binds the worker to its self seed, 32 bytes.
    public let commitment: [UInt8]
    /// Ascending by receiver.
    public let boxes: [RoutedShares.Box]

    package init(commitment: [UInt8], boxes: [RoutedShares.Box]) {
        self.commitment = commitment
        self.boxes = boxes
    }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(fixed: commitment)
        writer.append(fixed: RoutedShares(boxes: boxes).bytes)
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "sealed shares")
        commitment = try reader.fixed(32)
        boxes = try RoutedShares.Box.list(from: &reader)
        try reader.finish()
    }
}

/// Coordinator to worker, after the second step: the sealed shares that its neighbours sent it. Whoever is missing
/// dropped out, and no mask is exchanged with it.
public struct RoutedShares: Hashable, Sendable {
    /// Ascending by sender.
    public let boxes: [Box]

    public struct Box: Hashable, Sendable {
        /// Position of the other worker: the receiver on the way up, the sender on the way down.
        public let position: Int
        /// ``ShareBox/byteCount`` bytes.
        public let sealed: [UInt8]

        package init(position: Int, sealed: [UInt8]) {
            self.position = position
            self.sealed = sealed
        }

        static func list(from reader: inout ByteReader) throws(MaskingError) -> [Box] {
            var boxes: [Box] = []
            for _ in try 0..<reader.count(entryBytes: 4 + ShareBox.byteCount) {
                boxes.append(
                    Box(
                        position: Int(try reader.number(UInt32.self)), sealed: try reader.fixed(ShareBox.byteCount)))
            }
            return boxes
        }
    }

    package init(boxes: [Box]) { self.boxes = boxes }

    public var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(boxes.count))
        for box in boxes {
            writer.append(UInt32(box.position))
            writer.append(fixed: box.sealed)
        }
        return writer.bytes
    }

    public init(_ bytes: [UInt8]) throws(MaskingError) {
        var reader = ByteReader(bytes, message: "routed shares")
        boxes = try Box.list(from: &reader)
        try reader.finish()
    }
}
