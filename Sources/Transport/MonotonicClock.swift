public import Federation
import Glibc

/// The system's monotonic clock: what the loops use outside simulations.
public enum MonotonicClock {
    /// Since the machine's start.
    public static func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
