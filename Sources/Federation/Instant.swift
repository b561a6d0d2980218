/// A moment on the monotonic clock that the caller injects: real in production, virtual in simulation.
public struct Instant: Hashable, Sendable, Comparable {
    /// Since an arbitrary start. Unit: nanoseconds.
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public func advanced(bySeconds seconds: Double) -> Instant {
        Instant(nanoseconds: nanoseconds + Int64(seconds * 1e9))
    }

    /// Unit: seconds; negative when `other` is later.
    public func seconds(since other: Instant) -> Double {
        Double(nanoseconds - other.nanoseconds) * 1e-9
    }

    public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
