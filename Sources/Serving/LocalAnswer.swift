internal import LanguageModel

/// An answer in the making on this machine: its first steps where they were awaited, and those to come.
struct LocalAnswer: Sendable {
    private let generation: Generation
    private var early: [Continuation.Step] = []
    private var isHeld = false
    let prompt: [Int32]
    var promptTokens: Int { prompt.count }

    init(_ generation: Generation, of prompt: [Int32]) {
        self.generation = generation
        self.prompt = prompt
    }

    /// Waits until the text is held or ended.
    ///
    /// - Returns: How sure the model is of it so far.
    mutating func awaitConfidence() async throws -> Double {
        var confidence = AnswerConfidence()
        for await event in generation.events {
            guard case .step(let step) = event else {
                isHeld = true
                return confidence.value
            }
            early.append(step)
            if let token = step.token { confidence.add(token) }
            if step.ending != nil { return confidence.value }
        }
        throw CancellationError()
    }

    /// Gives every step to `body`, those that were awaited first.
    ///
    /// - Throws: What `body` throws, and `CancellationError` where the text is ended from outside.
    func forEach(_ body: (Continuation.Step) async throws -> Void) async throws {
        for step in early { try await body(step) }
        if early.last?.ending != nil { return }
        if isHeld { generation.resume() }
        for await event in generation.events {
            guard case .step(let step) = event else { continue }
            try await body(step)
            if step.ending != nil { return }
        }
        throw CancellationError()
    }

    func cancel() { generation.cancel() }
}
