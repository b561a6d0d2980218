/// How a published adapter travels down where its change is smaller than itself: `x̂ ← x̂ + decoded change`.
///
/// What workers reconstruct *is* the adapter: the coordinator publishes it, evaluates it and goes on from it, so both sides
/// hold the same bits, whatever the codec loses. What a biased codec leaves out of one change is added to the next
/// (``ErrorFeedback``); an unbiased codec's errors cancel by themselves.
public struct Downlink: Sendable {
    public let codec: any UpdateCodec
    /// The run's.
    private let seed: UInt64

    /// What the server's state calls the residual, `[parameterCount]`, of a biased codec.
    public static let residual = "downlink-residual"

    public init(_ name: CodecName, seed: UInt64) throws(CodecError) {
        codec = try Codecs.make(name)
        self.seed = seed
    }

    /// A published change.
    public struct Change: Sendable {
        public let bytes: [UInt8]
        /// The adapter after it, `[count]`.
        public let values: [Float]
        /// What it left out, `[count]`; `nil` of an unbiased codec.
        public let residual: [Float]?
    }

    /// - Parameters:
    ///   - current: The adapter that workers hold, `[count]`.
    ///   - next: What it should become, `[count]`.
    ///   - residual: What earlier changes left out, `[count]`; `nil` where nothing was.
    ///   - version: Of the adapter after the change.
    /// - Throws: ``AggregationError/notFinite`` if the change is no vector of finite numbers.
    public func change(
        from current: [Float], to next: [Float], residual: [Float]?, version: Int
    ) throws -> Change {
        precondition(current.count == next.count, "\(current.count) values, then \(next.count)")
        let wanted = zip(current, next).map { $1 - $0 }
        let feedback = ErrorFeedback(wanted, residual: codec.isUnbiased ? nil : residual)
        guard feedback.carried.allSatisfy(\.isFinite) else { throw AggregationError.notFinite }
        let seed = CodecSeed.downlink(seed: seed, version: version)
        let bytes = codec.encode(feedback.carried, seed: seed)
        var values = current
        try apply(bytes, version: version, to: &values)
        let left = codec.isUnbiased ? nil : try feedback.residual(afterSending: bytes, codec: codec, seed: seed)
        return Change(bytes: bytes, values: values, residual: left)
    }

    /// - Parameters:
    ///   - version: Of the adapter after the change.
    ///   - values: The adapter before it, `[count]`; of no use after an error.
    public func apply(_ bytes: [UInt8], version: Int, to values: inout [Float]) throws(CodecError) {
        let key = CodecSeed.downlink(seed: seed, version: version)
        let change = try codec.decode(bytes, count: values.count, seed: key)
        for index in values.indices { values[index] += change[index] }
        guard let bad = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw .notFinite(codec: codec.name.name, index: bad)
    }
}

/// Changes that lead from one published adapter to a later one, as one object: each as its length, four bytes with the
/// lowest first, and its bytes.
public struct AdapterChanges: Hashable, Sendable {
    public let changes: [[UInt8]]

    /// Each is as much work as a whole adapter, so a few bytes must not announce very many; coordinators send fewer.
    public static let countMax = 64

    public init(_ changes: [[UInt8]]) {
        self.changes = changes
    }

    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for change in changes {
            LittleEndian.append(UInt32(change.count), to: &bytes)
            bytes += change
        }
        return bytes
    }

    public init(decoding bytes: [UInt8]) throws(CodecError) {
        var changes: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            guard bytes.count - start >= 4 else { throw Self.cutShort }
            guard changes.count < Self.countMax else {
                throw .malformed(codec: "downlink", reason: "hold more than \(Self.countMax) changes")
            }
            let count = (0..<4).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
            start += 4
            guard count <= bytes.count - start else { throw Self.cutShort }
            changes.append(Array(bytes[start..<start + count]))
            start += count
        }
        self.changes = changes
    }

    private static let cutShort = CodecError.malformed(codec: "downlink", reason: "end inside a change")
}
