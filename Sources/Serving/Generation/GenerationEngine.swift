package import FineTuning
internal import HTTPTypes
package import LanguageModel
internal import Synchronization

/// Computes texts side by side on one model: one thread, whose steps go round among the texts.
package final class GenerationEngine: Sendable {
    private struct Work {
        /// `nil` while its step is computed.
        var text: Continuation?
        let adapter: LowRankAdapter?
        let events: AsyncStream<GenerationEvent>.Continuation
        /// Stops after so many drawn tokens, once.
        var holdAfter: Int?
        var drawn = 0
    }

    private struct State {
        var order: TurnOrder<UInt64>
        var work: [UInt64: Work] = [:]
        var lastID: UInt64 = 0
        var isComputing = false
    }

    private let state: Mutex<State>
    private let base: Confined
    private let thread = ComputeThread(name: "generation")

    /// `@unchecked Sendable`: the model is handed over whole in ``GenerationEngine/init(_:activeMax:waitingMax:)`` and from
    /// then on touched by the engine's thread alone.
    private struct Confined: @unchecked Sendable {
        let model: any CausalLanguageModel
    }

    /// - Parameters:
    ///   - base: The caller does not use its model any more.
    ///   - activeMax: Texts at work at a time.
    ///   - waitingMax: Texts that wait beyond them.
    package init(_ base: PretrainedModel, activeMax: Int, waitingMax: Int) {
        self.base = Confined(model: base.model)
        state = Mutex(State(order: TurnOrder(activeMax: activeMax, waitingMax: waitingMax)))
    }

    /// Texts at work, and those that wait for a place.
    package var load: (active: Int, waiting: Int) { state.withLock { ($0.order.activeCount, $0.order.waitingCount) } }

    /// Puts a text in line.
    ///
    /// - Parameter holdAfter: After so many drawn tokens the text waits for ``Generation/resume()``; `nil`: never.
    /// - Throws: ``RequestProblem`` when too many wait already.
    package func start(
        _ text: Continuation, adapter: LowRankAdapter?, holdAfter: Int? = nil
    ) throws(RequestProblem) -> Generation {
        let (stream, events) = AsyncStream<GenerationEvent>.makeStream()
        let (id, starts) = state.withLock { state -> (UInt64?, Bool) in
            let id = state.lastID + 1
            guard state.order.add(id) else { return (nil, false) }
            state.lastID = id
            state.work[id] = Work(text: text, adapter: adapter, events: events, holdAfter: holdAfter)
            return (id, Self.begins(&state))
        }
        guard let id else {
            throw RequestProblem(
                .tooManyRequests, "as many requests wait already as this server keeps; ask again soon",
                code: "queue_full", retryAfter: 1)
        }
        // Who reads the events may leave at any time.
        events.onTermination = { [weak self] _ in self?.cancel(id) }
        if starts { computeSoon() }
        return Generation(id: id, events: stream, engine: self)
    }

    func resume(_ id: UInt64) {
        let starts = state.withLock { state in
            state.order.release(id)
            return Self.begins(&state)
        }
        if starts { computeSoon() }
    }

    func cancel(_ id: UInt64) {
        let gone = state.withLock { state in
            state.order.end(id)
            return state.work.removeValue(forKey: id)
        }
        gone?.events.finish()
    }

    /// Whether the thread sleeps and has to be woken.
    private static func begins(_ state: inout State) -> Bool {
        guard !state.isComputing, state.order.activeCount > 0 else { return false }
        state.isComputing = true
        return true
    }

    private func computeSoon() {
        thread.post { [self] in
            while let (id, text, adapter) = take() {
                // The only holder, so that keys and values grow in place.
                var text = consume text
                let step = text.advance(base.model, adapter: adapter)
                put(id, text, step)
            }
        }
    }

    /// The text whose turn it is; with none, the thread may sleep.
    private func take() -> (UInt64, Continuation, LowRankAdapter?)? {
        state.withLock { state in
            guard let id = state.order.next(), let text = state.work[id]?.text else {
                state.isComputing = false
                return nil
            }
            state.work[id]?.text = nil
            return (id, text, state.work[id]?.adapter)
        }
    }

    private func put(_ id: UInt64, _ text: consuming Continuation, _ step: Continuation.Step) {
        let (events, isHeld) = state.withLock { [text] state -> (AsyncStream<GenerationEvent>.Continuation?, Bool) in
            // It may have been cancelled meanwhile.
            guard let events = state.work[id]?.events else { return (nil, false) }
            if step.ending != nil {
                state.order.end(id)
                state.work[id] = nil
                return (events, false)
            }
            state.work[id]?.text = text
            if step.token != nil { state.work[id]?.drawn += 1 }
            guard let work = state.work[id], work.drawn == work.holdAfter else { return (events, false) }
            state.work[id]?.holdAfter = nil
            state.order.hold(id)
            return (events, true)
        }
        events?.yield(.step(step))
        if isHeld { events?.yield(.held) }
        if step.ending != nil { events?.finish() }
    }
}

/// What happens to a text.
package enum GenerationEvent: Sendable {
    case step(Continuation.Step)
    /// It waits for ``Generation/resume()``.
    case held
}

/// A text that an engine computes; whoever drops its events ends it.
package struct Generation: Sendable {
    let id: UInt64
    /// Read by one reader at a time; ends with the text.
    package let events: AsyncStream<GenerationEvent>
    private let engine: GenerationEngine

    init(id: UInt64, events: AsyncStream<GenerationEvent>, engine: GenerationEngine) {
        self.id = id
        self.events = events
        self.engine = engine
    }

    /// Goes on with a held text.
    package func resume() { engine.resume(id) }

    package func cancel() { engine.cancel(id) }
}
