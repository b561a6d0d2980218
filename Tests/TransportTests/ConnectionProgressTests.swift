import Federation
import Testing
import Transport
import Wire

@Suite("What a worker makes of its connection")
struct ConnectionProgressTests {
    private var progress = ConnectionProgress(endpoint: "tcp://a:1", pauses: ReconnectPauses())

    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: 0).advanced(bySeconds: seconds) }

    /// Attempts one after the other, each cut after so many seconds.
    private mutating func cut(after seconds: [Double]) -> [ConnectionState] {
        var now = 0.0
        var told: [ConnectionState] = []
        progress.opened(at: at(now))
        for pause in seconds {
            _ = progress.follow(.connectionStarted, at: at(now))
            now += pause
            if let state = progress.follow(.handshakeCut, at: at(now)) { told.append(state) }
        }
        return told
    }

    @Test mutating func threeHandshakesThatEndAtOnceMeanAnotherKey() {
        let told = cut(after: [0.01, 0.01, 0.01])
        #expect(told.count == 2)
        guard case .refused(let reason)? = told.last else { return #expect(Bool(false), "\(told)") }
        #expect(reason.contains("ends every handshake"))
    }

    @Test mutating func handshakesThatNobodyAnswersInTimeMeanABusyCoordinator() {
        let told = cut(after: [30, 30, 30, 30, 30])
        let reason = "tcp://a:1 is too busy to answer, or is no Shoal coordinator; trying again"
        #expect(told == [.disconnected(reason: reason)])
    }

    @Test mutating func aConnectionThatIsThereAtOnceIsNotMeasuredFromAnEarlierOne() {
        progress.opened(at: at(0))
        _ = progress.follow(.connectionStarted, at: at(0))
        _ = progress.follow(.handshakeDone, at: at(0))
        _ = progress.follow(.disconnected, at: at(60))
        var told: [ConnectionState] = []
        for attempt in 1...3 {
            _ = progress.follow(.retrying, at: at(60 + Double(attempt)))
            if let state = progress.follow(.handshakeCut, at: at(60.5 + Double(attempt))) { told.append(state) }
        }
        guard case .refused? = told.last else { return #expect(Bool(false), "\(told)") }
    }

    @Test mutating func withTwoKeysTheOtherIsTriedHoweverLateTheEnd() {
        progress.keyCount = 2
        _ = cut(after: [30])
        #expect(progress.wantsOtherKey)
    }

    @Test mutating func theyDoNotAddToThoseThatEndAtOnce() {
        #expect(cut(after: [0.01, 30, 0.01, 30]).count == 1)
        guard case .refused? = cut(after: [0.01]).last else { return #expect(Bool(false)) }
    }
}
