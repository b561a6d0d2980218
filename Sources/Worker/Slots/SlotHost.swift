internal import Glibc
internal import ModelFiles

/// What the machine has and what processes on it do, as Linux tells it.
public struct SlotHost: Sendable {
    /// Processor cores that this process may use.
    public var cores: Int
    /// What `/proc` and `/sys` lie under; empty for the machine's own.
    package var root = ""

    /// Share of the memory that stays free for everything else.
    private static let reserveShare: UInt64 = 20

    public init(cores: Int) {
        self.cores = cores
    }

    package func admission(_ limit: SlotLimit) -> SlotAdmission {
        let memory = Self.fields(text("/proc/meminfo"))
        let total = memory["MemTotal"].map { $0 << 10 } ?? .max
        // Where nothing is known, cores alone decide.
        let available = memory["MemAvailable"].map { $0 << 10 } ?? .max
        return SlotAdmission(
            limit: limit, cores: max(cores, 1), availableBytes: min(available, groupAvailableBytes),
            reserveBytes: total == .max ? 0 : total / Self.reserveShare)
    }

    /// What a process holds, and whether it was stopped; of one that cannot be seen, nothing and no.
    package func state(of process: Int32) -> (usedBytes: UInt64, isStopped: Bool) {
        let status = text("/proc/\(process)/status")
        let used = Self.fields(status)["RssAnon"].map { $0 << 10 } ?? 0
        let state = status.split(separator: "\n").first { $0.hasPrefix("State:") }
        let letter = state?.dropFirst("State:".count).drop { $0 == "\t" || $0 == " " }.first
        return (used, letter == "T" || letter == "t")
    }

    /// What the control groups (version 2) around this process leave it. Unit: bytes.
    private var groupAvailableBytes: UInt64 {
        guard let line = text("/proc/self/cgroup").split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return .max }
        var parts = line.dropFirst("0::/".count).split(separator: "/")
        var least = UInt64.max
        while true {
            let folder = "/sys/fs/cgroup/" + parts.map { $0 + "/" }.joined()
            if let limit = UInt64(text(folder + "memory.max").trimmingPrefix(" ").prefix { $0.isNumber }) {
                // Pages of files that are mapped can go; what is anonymous stays.
                let used = Self.fields(text(folder + "memory.stat"))["anon"] ?? 0
                least = min(least, limit > used ? limit - used : 0)
            }
            guard !parts.isEmpty else { return least }
            parts.removeLast()
        }
    }

    /// `Name: 123 kB` or `name 123`, a line each.
    private static func fields(_ text: String) -> [String: UInt64] {
        var fields: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ":" })
            guard words.count >= 2, let value = UInt64(words[1]) else { continue }
            fields[String(words[0])] = value
        }
        return fields
    }

    private func text(_ path: String) -> String {
        // Files of the kernel say no size before they are read.
        let descriptor = retryingInterrupts { open(root + path, O_RDONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
            if count <= 0 { break }
            filled += count
        }
        return String(decoding: bytes.prefix(filled), as: UTF8.self)
    }
}
