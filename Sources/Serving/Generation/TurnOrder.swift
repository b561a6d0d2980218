/// Whose step comes next: texts at work take turns, the others wait in the order of their arrival.
///
/// Each turn is one step, so a long answer delays a short one by no more than a step per text at work.
package struct TurnOrder<ID: Hashable & Sendable>: Sendable {
    /// Texts that take turns at a time; each holds keys and values.
    package let activeMax: Int
    /// Texts that wait for a place beyond them.
    package let waitingMax: Int
    /// The next one first.
    private var active: [ID] = []
    private var waiting: [ID] = []
    /// Stopped in the middle, until ``release(_:)``; they keep no place.
    private var held: Set<ID> = []

    /// - Precondition: `activeMax >= 1`, `waitingMax >= 0`.
    package init(activeMax: Int, waitingMax: Int) {
        precondition(activeMax >= 1 && waitingMax >= 0, "\(activeMax) at work, \(waitingMax) waiting")
        self.activeMax = activeMax
        self.waitingMax = waitingMax
    }

    package var activeCount: Int { active.count }
    package var waitingCount: Int { waiting.count }

    /// - Returns: Whether there was room; held texts count as waiting.
    package mutating func add(_ id: ID) -> Bool {
        guard active.count + waiting.count + held.count < activeMax + waitingMax else { return false }
        waiting.append(id)
        admit()
        return true
    }

    /// Whose step it is; that text then goes behind the others.
    package mutating func next() -> ID? {
        guard let first = active.first else { return nil }
        active.removeFirst()
        active.append(first)
        return first
    }

    /// Gives its place to the next one that waits.
    package mutating func hold(_ id: ID) {
        guard let place = active.firstIndex(of: id) else { return }
        active.remove(at: place)
        held.insert(id)
        admit()
    }

    /// A held text waits for a place again, before those that have not begun.
    package mutating func release(_ id: ID) {
        guard held.remove(id) != nil else { return }
        waiting.insert(id, at: 0)
        admit()
    }

    /// The text has ended, wherever it was.
    package mutating func end(_ id: ID) {
        active.removeAll { $0 == id }
        waiting.removeAll { $0 == id }
        held.remove(id)
        admit()
    }

    private mutating func admit() {
        while active.count < activeMax, !waiting.isEmpty { active.append(waiting.removeFirst()) }
    }
}
