/// A value that costs time to make: made by one at a time whoever asks, and again only when it is old enough that making
/// it takes up a small part of the time.
actor Cached<Value: Sendable> {
    private let make: @Sendable (_ earlier: Value?) async throws -> Value
    /// How much longer than it took to make a value is kept.
    private let patience: Double
    private var value: Value?
    private var freshUntil = ContinuousClock.now
    private var making: Task<Value, any Error>?
    private(set) var madeCount = 0

    /// - Parameters:
    ///   - patience: A value is kept for so many times as long as it took to make, and for a second at least.
    ///   - make: Given the value before; keeps off the threads that Swift's tasks share where it blocks.
    init(patience: Double, make: @escaping @Sendable (_ earlier: Value?) async throws -> Value) {
        self.patience = patience
        self.make = make
    }

    /// The newest one that was made.
    var newest: Value? { value }

    func get() async throws -> Value {
        if let value, ContinuousClock.now < freshUntil { return value }
        if let making { return try await making.value }
        let task = Task { try await remake() }
        making = task
        defer { making = nil }
        return try await task.value
    }

    /// The next one who asks gets a new value.
    func expire() { freshUntil = .now }

    private func remake() async throws -> Value {
        let began = ContinuousClock.now
        let made = try await make(value)
        value = made
        madeCount += 1
        freshUntil = began.advanced(by: max(.seconds(1), (ContinuousClock.now - began) * patience))
        return made
    }
}
