internal import Federation
internal import ModelFiles
internal import SecureAggregation
internal import Wire

/// What a schedule has seen from outside: on the wire, and in what was published.
struct ObservedRun {
    /// One worker's place in a round.
    struct Slot: Hashable, CustomStringConvertible {
        let round: Int
        let attempt: Int
        let worker: Int

        var description: String { "worker \(worker) in round \(round), attempt \(attempt)" }
    }

    /// A published adapter.
    struct Version {
        let object: ContentHash
        let values: [Float]
    }

    /// One entry of the privacy ledger.
    struct Payment: Hashable {
        let round: Int
        let attempt: Int
        /// `nil`: all workers.
        let worker: WorkerName?
        let content: ContentHash?
    }

    static let momentum = 0.5

    var lastWait = ""
    var acknowledgements = 0
    /// The update that was acknowledged, by its place.
    var acknowledged: [Slot: ContentHash] = [:]
    /// By version; the first is what the run began with.
    var versions: [Version] = []
    /// The server optimiser's, after the last version.
    var velocity: [Double] = []
    /// Workers that were told that their invitation had done its work.
    var enrolled: Set<Int> = []
    /// What a lossy downlink has left out so far, after the last version.
    var leftOut: [Double] = []
    /// Objects that were offered as changes between versions.
    var changes: Set<ContentHash> = []
    /// SCAFFOLD's control variate, by version.
    var controls: [[Double]] = [[Double](repeating: 0, count: FaultSchedule.firstAdapter.count)]
    var controlObjects: Set<ContentHash> = []
    /// What the privacy ledger held, in its order.
    var paid: [Payment] = []
    /// What was added to each round's sum, over the divisor.
    var noise: [[Double]] = []
    /// What workers sent for an attempt's masks.
    var masks: [Slot: [MaskStep.Step: [UInt8]]] = [:]
    var maskedUpdates: [Slot: ContentHash] = [:]
    /// By attempt and position in its cohort.
    var revealed: [Slot: RevealedShares.Kind] = [:]
    var survivors: [Slot: [UInt8]] = [:]
    /// What each worker counted for, by round.
    var counted: [Int: [(slot: Slot, object: ContentHash)]] = [:]

    /// Complete updates, by SHA-256. Bytes that the coordinator holds already need not be sent again.
    private(set) var sent: [ContentHash: [UInt8]] = [:]
    /// What each worker has named as its own.
    private(set) var announced: [Int: Set<ContentHash>] = [:]
    private var arriving: [Int: (object: ContentHash, bytes: [UInt8?])] = [:]

    /// Puts a worker's update together from its messages.
    mutating func workerSent(_ worker: Int, _ envelope: Envelope, payload: [UInt8]?) {
        switch envelope.message {
        case .updateBegin(let begin):
            announced[worker, default: []].insert(begin.object)
            guard arriving[worker]?.object != begin.object else { return }
            arriving[worker] = (begin.object, Array(repeating: nil, count: Int(begin.totalBytes)))
        case .updateChunk(let chunk):
            guard var update = arriving[worker], let payload else { return }
            arriving[worker] = nil
            for (index, byte) in payload.enumerated() where Int(chunk.offset) + index < update.bytes.count {
                update.bytes[Int(chunk.offset) + index] = byte
            }
            let bytes = update.bytes.compactMap(\.self)
            if bytes.count == update.bytes.count, ContentHash(of: bytes) == update.object {
                sent[update.object] = bytes
            }
            arriving[worker] = update
        case .updateWhole(let commit):
            announced[worker, default: []].insert(commit.object)
            sent[commit.object] = payload
        default: break
        }
    }
}
