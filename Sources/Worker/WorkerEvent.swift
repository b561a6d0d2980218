public import Federation

/// What an observer (a log, `--json`) is told while a worker lives.
public enum WorkerEvent: Hashable, Sendable {
    /// A session with the coordinator is open.
    case connected(WorkerName, run: RunID)
    case disconnected(reason: String)
    /// The coordinator said which key it will have, and this worker keeps it.
    case keyAnnounced
    /// The coordinator registered this worker's keys under this name.
    case enrolled(WorkerName)
    /// The base model is being fetched; `total` covers all its files. Unit: bytes.
    case downloading(bytes: UInt64, total: UInt64)
    case trainingStarted(round: Int)
    case evaluationStarted(round: Int)
    /// The task waits until this machine has room for it.
    case waitingForSlot(round: Int)
    /// - Parameter loss: Mean over the finished steps. Unit: nats a token.
    case progress(round: Int, step: Int, totalSteps: Int, loss: Double)
    /// The update is durable at the coordinator.
    case updateAccepted(round: Int)
    case updateRejected(round: Int, reason: String)
    /// The coordinator has the losses of this worker's held-out split.
    case evaluated(round: Int, items: Int, meanLoss: Double)
    /// A task was given up: withdrawn by the coordinator, or not possible here.
    case taskDropped(round: Int, reason: String)
    /// What the codec left out of earlier updates is lost.
    case residualDropped(reason: String)
    /// Something else that the worker kept for itself is lost.
    case ownVectorDropped(name: String, reason: String)
    /// Something was refused that does not end the worker.
    case warning(String)
    case runFinished
}

/// How a worker's life ended.
public enum Outcome: Hashable, Sendable {
    /// The coordinator said that the run is over.
    case finished
    /// Somebody asked this worker to stop.
    case stopped
    /// The worker cannot go on; the reason is a sentence that says what to do.
    case failed(reason: String)
}
