import Monitor
import Testing

@Suite("Values that cost time to make")
struct CachedTests {
    /// What is read, and a door before which each reading waits after it has looked.
    private actor Source {
        var state = 1
        private var waiting: [CheckedContinuation<Void, Never>] = []
        private var arrivals: [CheckedContinuation<Void, Never>] = []
        private var isOpen = false

        func set(_ state: Int) { self.state = state }

        func read() async -> Int {
            let seen = state
            guard !isOpen else { return seen }
            await withCheckedContinuation { reader in
                waiting.append(reader)
                for arrival in arrivals { arrival.resume() }
                arrivals = []
            }
            return seen
        }

        /// Returns once somebody stands before the door.
        func reading() async {
            guard waiting.isEmpty else { return }
            await withCheckedContinuation { arrivals.append($0) }
        }

        /// From now on nobody waits.
        func open() {
            isOpen = true
            for reader in waiting { reader.resume() }
            waiting = []
        }
    }

    @Test func whatExpiresWhileItIsReadIsReadAgain() async throws {
        let source = Source()
        let cached = Cached<Int>(patience: 1_000) { _ in await source.read() }
        async let first = cached.get()
        await source.reading()
        await source.set(2)
        await cached.expire()
        // Asked after the change, while the reading from before it is under way.
        async let second = cached.get()
        await source.open()
        #expect(try await first == 1)
        #expect(try await second == 2)
        #expect(try await cached.get() == 2)
        #expect(await cached.madeCount == 2)
    }

    @Test func thoseWhoAskTogetherShareOneReading() async throws {
        let source = Source()
        let cached = Cached<Int>(patience: 1_000) { _ in await source.read() }
        async let answers = withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try await cached.get() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        await source.reading()
        await source.open()
        #expect(try await answers == [Int](repeating: 1, count: 20))
        #expect(await cached.madeCount == 1)
    }

    @Test func aReadingThatFailsIsMadeAgain() async throws {
        struct Away: Error {}
        let cached = Cached<Int>(patience: 1_000) { earlier in
            guard earlier == nil else { throw Away() }
            return 1
        }
        #expect(try await cached.get() == 1)
        await cached.expire()
        await #expect(throws: Away.self) { try await cached.get() }
        await #expect(throws: Away.self) { try await cached.get() }
        #expect(await cached.newest == 1)
        #expect(await cached.madeCount == 1)
    }
}
