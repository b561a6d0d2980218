internal import Federation
internal import FoundationEssentials
internal import ModelFiles
internal import Wire

/// A trained, encoded update on its way to the coordinator.
struct PendingUpdate: Hashable {
    var run: RunID
    var round: Int
    var attempt: Int
    var lease: UInt64
    var codec: CodecName
    var trainingItems: Int
    var steps: Int
    /// `nil`: not to be told.
    var tokens: Int?
    /// `nil`: not to be told. Unit: nats a token.
    var trainLoss: Double?
    /// Whether the offer's clip shortened it.
    var isClipped: Bool
    /// What it took to train; `nil`: not to be told.
    var cost: TaskCost?
    /// SHA-256 of `bytes`.
    let object: ContentHash
    let bytes: [UInt8]

    init(
        run: RunID, round: Int, attempt: Int, lease: UInt64, codec: CodecName, trainingItems: Int, steps: Int,
        tokens: Int?, trainLoss: Double?, isClipped: Bool = false, cost: TaskCost? = nil, bytes: [UInt8]
    ) {
        self.run = run
        self.round = round
        self.attempt = attempt
        self.lease = lease
        self.codec = codec
        self.trainingItems = trainingItems
        self.steps = steps
        self.tokens = tokens
        self.trainLoss = trainLoss
        self.isClipped = isClipped
        self.cost = cost
        self.bytes = bytes
        object = ContentHash(of: bytes)
    }
}

/// Keeps the one pending update on disk until the coordinator has it, so that a restart does not train again.
///
/// It survives the process, not a power cut: its hash tells whether it is whole, and training again mends what is not.
/// One with noise of the worker's own survives both: the budget pays for a single noisy update of an attempt, and one that
/// is trained again need not be the same.
struct PendingStore {
    private struct Record: Codable {
        var version = 2
        var run: String
        var round: Int
        var attempt: Int
        var lease: UInt64
        var codec: String
        var trainingItems: Int
        var steps: Int
        /// `nil`: not told.
        var tokens: Int?
        /// `nil`: not told.
        var trainLoss: Double?
        var isClipped: Bool
        /// `nil`: not told.
        var seconds: Double?
        var joules: Double?
        var isMeasured: Bool?
        var object: String
    }

    private let dataPath: String
    private let recordPath: String

    init(folder: String) {
        dataPath = folder + "/update.bin"
        recordPath = folder + "/update.json"
    }

    /// - Parameter isDurable: Whether it survives a power cut too.
    func save(_ update: PendingUpdate, isDurable: Bool = false) throws(FileError) {
        let record = Record(
            run: update.run.text, round: update.round, attempt: update.attempt, lease: update.lease,
            codec: update.codec.description, trainingItems: update.trainingItems, steps: update.steps,
            tokens: update.tokens, trainLoss: update.trainLoss, isClipped: update.isClipped,
            seconds: update.cost?.seconds, joules: update.cost?.joules, isMeasured: update.cost?.isMeasured,
            object: update.object.description)
        guard let text = try? JSONEncoder().encode(record) else {
            preconditionFailure("a record of plain values and a finite loss")
        }
        if isDurable {
            try AtomicFile.write(update.bytes, to: dataPath, permissions: 0o600)
            try AtomicFile.write(Array(text), to: recordPath, permissions: 0o600)
        } else {
            try StateFolder.overwrite(dataPath, with: update.bytes)
            try StateFolder.overwrite(recordPath, with: Array(text))
        }
    }

    /// What an earlier process left; `nil` if nothing, or nothing whole.
    func load() -> PendingUpdate? {
        guard let text = try? StateFolder.read(recordPath, bytesMax: 64 << 10),
            let record = try? JSONDecoder().decode(Record.self, from: Data(text)), record.version == 2,
            let run = RunID(record.run), let codec = CodecName(record.codec),
            let file = try? MappedFile(path: dataPath)
        else { return nil }
        let cost = record.seconds.map {
            TaskCost(seconds: $0, joules: record.joules, isMeasured: record.isMeasured ?? false)
        }
        let update = PendingUpdate(
            run: run, round: record.round, attempt: record.attempt, lease: record.lease, codec: codec,
            trainingItems: record.trainingItems, steps: record.steps, tokens: record.tokens,
            trainLoss: record.trainLoss, isClipped: record.isClipped, cost: cost, bytes: file.copy())
        return update.object.description == record.object ? update : nil
    }

    func remove() {
        // Without it the bytes mean nothing; the next update is written over them.
        StateFolder.remove(recordPath)
    }
}
