internal import Federation
internal import ModelFiles

/// Which update a worker's own vector goes with: the one it was made with, and how far that update is.
struct OwnVectorRecord: Hashable, Codable {
    /// What became of the update.
    enum Standing: String, Codable {
        /// Encoded; whether it counts is not known yet.
        case prepared
        /// Acknowledged: the vector is `after`.
        case counted
        /// Refused, expired, withdrawn or rolled back: the vector is `before`.
        case restored
    }

    /// The update's identity.
    struct Update: Hashable, Codable {
        var run: String
        var round: Int
        var attempt: Int
        var lease: UInt64
        /// SHA-256 of the encoded update.
        var object: String
        /// Of the encoded update. Unit: bytes.
        var totalBytes: Int
        var codec: String
    }

    var version = 1
    var update: Update
    /// SHA-256 of the adapter layout's names and shapes.
    var layout: String
    /// SHA-256 of the vector before the update; `nil`: there was none.
    var before: String?
    /// SHA-256 of the vector after it.
    var after: String
    /// In which the last update that counted into `before` counted; `nil`: not known.
    var beforeRound: Int?
    /// The round that the update counts in, where it is not the one that asked for it: an asynchronous run's.
    var countsIn: Int?
    var standing = Standing.prepared

    /// The files it needs.
    var files: [String] {
        [before, standing == .restored ? nil : after].compactMap { $0 }
    }

    /// The vector that a task of this round and attempt starts from.
    ///
    /// An acknowledged update of the same round belonged to an attempt that was rolled back: it counts no more.
    func start(round: Int, attempt: Int) -> String? {
        hasCounted(before: round) ? after : before
    }

    /// The round in which the last update counted of those in the vector that a task of this round starts from.
    func dated(round: Int) -> Int? {
        hasCounted(before: round) ? countsIn ?? update.round : beforeRound
    }

    private func hasCounted(before round: Int) -> Bool {
        standing == .counted && round > update.round
    }

    /// The identity of an adapter's shape: a vector means nothing in another.
    static func identity(of layout: AdapterLayout) -> String {
        let lines = layout.entries.map { "\($0.name) \($0.shape.map(String.init).joined(separator: "x"))\n" }
        return ContentHash(of: Array(lines.joined().utf8)).description
    }
}

extension OwnVectorRecord.Update {
    init(_ pending: PendingUpdate) {
        self.init(
            run: pending.run.text, round: pending.round, attempt: pending.attempt, lease: pending.lease,
            object: pending.object.description, totalBytes: pending.bytes.count, codec: pending.codec.description)
    }
}
