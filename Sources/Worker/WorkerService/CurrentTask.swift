import Federation
import ModelFiles
import Wire

/// The base model as this worker has it.
enum LocalModel {
    /// Neither given nor named by the coordinator yet.
    case unknown
    /// The manifest is still to come.
    case manifestMissing(ContentHash)
    case filesMissing(ContentHash, [ModelManifest.File])
    case ready(String, ContentHash)
}

/// The order in which a coordinator's offers are made: a round's training, then its evaluation.
struct OfferOrder: Comparable {
    let round: Int
    let attempt: Int
    let isEvaluation: Bool

    static func < (left: OfferOrder, right: OfferOrder) -> Bool {
        if left.round != right.round { return left.round < right.round }
        // An evaluation's attempt counts apart from the training's.
        if left.isEvaluation != right.isEvaluation { return right.isEvaluation }
        return left.attempt < right.attempt
    }
}

/// The one task a worker has.
struct CurrentTask {
    enum Phase {
        /// Waits for downloads.
        case preparing(Offer)
        /// The runner has it. For training, the global adapter it started from.
        case running(Offer, adapter: [Float])
        case uploading(StoredUpdate, UpdateUpload, RetryTimer)
        case reporting(Report, RetryTimer)
    }

    let lease: UInt64
    let round: Int
    let attempt: Int
    var phase: Phase
    /// Messages of this worker from this one on may speak about this lease.
    let firstMessage: UInt64
    /// The last begin or commit; its answer, and no chunk's, says where the upload is to go on.
    var controlMessage: UInt64?
    var step: UInt32 = 0
    var totalSteps: UInt32 = 0
    var meanLoss: Float?

    var heartbeat: Heartbeat {
        let phase: Heartbeat.Phase =
            switch self.phase {
            case .preparing: .downloading
            case .running(let offer, _): offer.task == .train ? .training : .evaluating
            case .uploading, .reporting: .uploading
            }
        return Heartbeat(phase: phase, lease: lease, step: step, totalSteps: totalSteps, loss: meanLoss)
    }
}
