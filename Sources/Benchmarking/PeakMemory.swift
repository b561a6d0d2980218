internal import Foundation

/// The most memory this process has held since the last reset.
package enum PeakMemory {
    /// Forgets what was held so far; where the kernel refuses, later figures include it. See proc(5), `clear_refs`.
    package static func reset() {
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    }

    /// `VmHWM` of `/proc/self/status`: resident memory, mapped files included. Unit: MiB.
    package static func residentMiB() throws(PeakMemoryError) -> Double {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
        else { throw PeakMemoryError() }
        return kibibytes / 1024
    }
}

package struct PeakMemoryError: Error, CustomStringConvertible {
    package var description: String { "/proc/self/status has no VmHWM; the benchmark needs Linux with /proc mounted" }
}
