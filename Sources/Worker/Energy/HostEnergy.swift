internal import FoundationEssentials
internal import Glibc

/// What Linux tells of this machine's energy and processor time.
package enum HostEnergy {
    @Sendable package static func read() -> EnergyMeter.Reading {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return EnergyMeter.Reading(
            time: Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9,
            ownBusy: busy(selfAlone) + busy(endedChildren), allBusy: allBusy(), counters: counters())
    }

    private static let selfAlone = RUSAGE_SELF.rawValue
    private static let endedChildren = RUSAGE_CHILDREN.rawValue

    /// Unit: seconds.
    private static func busy(_ who: Int32) -> Double {
        var usage = rusage()
        guard getrusage(who, &usage) == 0 else { return 0 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }

    /// The first line of `/proc/stat`: ticks of user, nice, system, idle, waiting, interrupts, soft interrupts, stolen.
    private static func allBusy() -> Double? {
        guard let line = text("/proc/stat")?.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        let ticks = line.split(separator: " ").dropFirst().compactMap { UInt64($0) }
        guard ticks.count >= 7 else { return nil }
        let busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
        return Double(busy) / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    /// Top-level domains of RAPL are the packages; what lies below is part of them.
    private static func counters() -> [EnergyCounter.Value] {
        let folder = "/sys/class/powercap"
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return [] }
        return names.sorted().compactMap { name in
            let parts = name.split(separator: ":")
            guard parts.count == 2, parts[0].hasSuffix("rapl"),
                text("\(folder)/\(name)/name")?.hasPrefix("package") == true,
                let value = number("\(folder)/\(name)/energy_uj"),
                let range = number("\(folder)/\(name)/max_energy_range_uj")
            else { return nil }
            return EnergyCounter.Value(name: name, microjoules: value, range: range)
        }
    }

    private static func number(_ path: String) -> UInt64? {
        text(path).flatMap { UInt64($0.prefix { $0 != "\n" }) }
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
}
