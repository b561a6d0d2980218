/// What a task takes of its machine while it computes.
public struct SlotNeed: Hashable, Sendable {
    /// Threads that compute.
    public var threads: Int
    /// Memory beside the mapped base weights. Unit: bytes.
    public var bytes: UInt64

    public init(threads: Int, bytes: UInt64) {
        self.threads = threads
        self.bytes = bytes
    }
}

/// How many tasks may compute at once on a machine.
public enum SlotLimit: Hashable, Sendable {
    /// As many as its cores and memory allow, one at least.
    case automatic
    /// So many, whatever they take.
    case count(Int)
}

/// A task that computes on this machine, in whatever process.
package struct LiveSlot: Hashable {
    package var need: SlotNeed
    /// What its process holds of memory already. Unit: bytes.
    package var usedBytes: UInt64
    /// Stopped by a signal: it uses no core, and may never go on.
    package var isStopped: Bool

    package init(need: SlotNeed, usedBytes: UInt64 = 0, isStopped: Bool = false) {
        self.need = need
        self.usedBytes = usedBytes
        self.isStopped = isStopped
    }
}

/// Whether one more task fits. Pure.
package struct SlotAdmission {
    let limit: SlotLimit
    let cores: Int
    package let availableBytes: UInt64
    package let reserveBytes: UInt64

    /// - Parameters:
    ///   - availableBytes: Memory that can be had without swapping. Unit: bytes.
    ///   - reserveBytes: Kept free for everything else on the machine. Unit: bytes.
    package init(limit: SlotLimit, cores: Int, availableBytes: UInt64, reserveBytes: UInt64) {
        self.limit = limit
        self.cores = cores
        self.availableBytes = availableBytes
        self.reserveBytes = reserveBytes
    }

    package func admits(_ need: SlotNeed, beside live: [LiveSlot]) -> Bool {
        let running = live.filter { !$0.isStopped }
        if case .count(let count) = limit { return running.count < count }
        // Somebody must get on, even where the machine is too small.
        guard !running.isEmpty else { return true }
        let threads = running.reduce(min(need.threads, cores)) { $0 + min($1.need.threads, cores) }
        guard threads <= cores else { return false }
        let promised = live.reduce(UInt64(0)) { sum, slot in
            sum.saturatingAdd(slot.need.bytes > slot.usedBytes ? slot.need.bytes - slot.usedBytes : 0)
        }
        return promised.saturatingAdd(need.bytes).saturatingAdd(reserveBytes) <= availableBytes
    }
}

extension UInt64 {
    fileprivate func saturatingAdd(_ other: UInt64) -> UInt64 {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? .max : sum
    }
}
