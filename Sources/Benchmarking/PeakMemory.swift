internal import Foundation

/// The most memory this process has held since the last reset.
package enum PeakMemory {
    /// Forgets what was held so far; where the kernel refuses, later figures include it. See proc(5), `clear_refs`.
    package static func reset() {
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    }

    /// `VmHWM` of `/proc/self/status`: resident memory, mapped files included. Unit: MiB.
    package static func residentMiB() throws(PeakMemoryError) -> Double { try status("VmHWM:") }

    /// What this process holds now, `VmRSS`. Unit: MiB.
    package static func currentMiB() throws(PeakMemoryError) -> Double { try status("VmRSS:") }

    private static func status(_ key: String) throws(PeakMemoryError) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { throw PeakMemoryError(key: key) }
        return kibibytes / 1024
    }
}

package struct PeakMemoryError: Error, CustomStringConvertible {
    let key: String

    package var description: String {
        "/proc/self/status has no \(key) the benchmark needs Linux with /proc mounted"
    }
}
