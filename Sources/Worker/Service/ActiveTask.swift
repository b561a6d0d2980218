internal import Federation
internal import ModelFiles
internal import Wire

/// A lease the worker holds, and how far it is with it.
struct ActiveTask {
    enum Stage {
        /// The base model or the adapter is on its way.
        case preparing
        /// The runner computes.
        case running
        case uploading(Upload, Outstanding?)
        case reporting(Report, Outstanding?)
    }

    let offer: Offer
    let round: Int
    let attempt: Int
    /// The identifier of the first message about it.
    let firstMessage: UInt64
    var stage = Stage.preparing
    /// The latest progress of a running task.
    var step = 0
    var totalSteps = 0
    var loss: Double?

    /// What heartbeats say about it.
    var phase: Heartbeat.Phase {
        switch stage {
        case .preparing: .downloading
        case .running: offer.task == .train ? .training : .evaluating
        case .uploading, .reporting: .uploading
        }
    }

    var upload: Upload? {
        if case .uploading(let upload, _) = stage { upload } else { nil }
    }
}

/// A decoded adapter version, kept for the next task that names it.
struct GlobalAdapter {
    let object: ContentHash
    let layout: AdapterLayout
    let values: [Float]
}
