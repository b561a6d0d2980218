/// Waits until the machine has room for a task.
public struct SlotWait: Sendable {
    private let slots: TrainingSlots
    private let threads: Int
    private let sleep: @Sendable (_ seconds: Double) -> Void

    /// Pauses between attempts: others begin and end tasks meanwhile. Unit: seconds.
    private static let pauses = (first: 0.02, last: 0.4)

    /// - Parameters:
    ///   - threads: What a task computes with.
    ///   - sleep: Blocks the training thread.
    public init(_ slots: TrainingSlots, threads: Int, sleep: @escaping @Sendable (_ seconds: Double) -> Void) {
        self.slots = slots
        self.threads = threads
        self.sleep = sleep
    }

    /// - Parameters:
    ///   - bytes: What the task takes of memory beside the mapped base weights.
    ///   - isWanted: Asked before every attempt; the wait ends with the task's lease.
    ///   - waits: Told once, if the first attempts find no room.
    /// - Returns: `nil` once the task is not wanted any more.
    package func take(bytes: UInt64, while isWanted: () -> Bool, waits: () -> Void) throws -> TrainingSlot? {
        var pause = Self.pauses.first
        var attempts = 0
        while isWanted() {
            if let slot = try slots.take(SlotNeed(threads: threads, bytes: bytes)) { return slot }
            attempts += 1
            // The first may only have met somebody at the gate.
            if attempts == 2 { waits() }
            // Those who began to wait together do not come back together.
            sleep(pause * Double.random(in: 0.5...1.5))
            pause = min(pause * 1.5, Self.pauses.last)
        }
        return nil
    }
}
