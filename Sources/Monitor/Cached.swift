/// A value that costs time to make: made by one at a time whoever asks, and again only when it is old enough that making
/// it takes up a small part of the time.
package actor Cached<Value: Sendable> {
    private let make: @Sendable (_ earlier: Value?) async throws -> Value
    /// How much longer than it took to make a value is kept.
    private let patience: Double
    private var value: Value?
    private var freshUntil = ContinuousClock.now
    private var making: (task: Task<Value, any Error>, age: Int)?
    /// How often values have expired: one whose making began before the newest expiry tells of the time before it.
    private var age = 0
    package private(set) var madeCount = 0

    /// - Parameters:
    ///   - patience: A value is kept for so many times as long as it took to make, and for a second at least.
    ///   - make: Given the value before; keeps off the threads that Swift's tasks share where it blocks.
    package init(patience: Double, make: @escaping @Sendable (_ earlier: Value?) async throws -> Value) {
        self.patience = patience
        self.make = make
    }

    /// The newest one that was made.
    package var newest: Value? { value }

    package func get() async throws -> Value {
        while true {
            if let value, ContinuousClock.now < freshUntil { return value }
            guard let making else { break }
            if making.age == age { return try await making.task.value }
            // Only one is made at a time; what fails there is the business of those who asked before the expiry.
            _ = try? await making.task.value
        }
        let task = Task { try await remake() }
        making = (task, age)
        return try await task.value
    }

    /// Whoever asks from now on gets a value whose making began after this call.
    package func expire() {
        age += 1
        freshUntil = .now
    }

    private func remake() async throws -> Value {
        let (began, age) = (ContinuousClock.now, age)
        // Before those that wait for it go on: they look whether another one has to be made.
        defer { making = nil }
        let made = try await make(value)
        value = made
        madeCount += 1
        freshUntil =
            age == self.age
            ? began.advanced(by: max(.seconds(1), (ContinuousClock.now - began) * patience)) : .now
        return made
    }
}
