import Glibc

/// What this process costs its machine, from proc(5).
struct ProcessFigures: Hashable, Sendable {
    /// Unit: bytes.
    var residentMemoryBytes: Int
    /// User and system time. Unit: seconds.
    var processorSeconds: Double
    /// Unit: seconds since 1970.
    var startedAt: Double
    var openDescriptors: Int

    /// - Parameters:
    ///   - stat: `/proc/self/stat`.
    ///   - systemStat: `/proc/stat`, which tells when the machine started.
    /// - Returns: `nil` for text of another form.
    init?(stat: String, systemStat: String, openDescriptors: Int, pageBytes: Int, ticksPerSecond: Int) {
        // The program's name may hold spaces and parentheses: fields are counted after it, from the third on.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(whereSeparator: \.isWhitespace)
        guard fields.count > 21, let user = Int(fields[11]), let system = Int(fields[12]), let start = Int(fields[19]),
            let pages = Int(fields[21]),
            let line = systemStat.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let boot = Int(line.dropFirst(6)), ticksPerSecond > 0
        else { return nil }
        residentMemoryBytes = pages * pageBytes
        processorSeconds = Double(user + system) / Double(ticksPerSecond)
        startedAt = Double(boot) + Double(start) / Double(ticksPerSecond)
        self.openDescriptors = openDescriptors
    }

    /// `nil` where proc(5) is not mounted.
    static func now() -> ProcessFigures? {
        guard let stat = text("/proc/self/stat"), let systemStat = text("/proc/stat"),
            let descriptors = entryCount("/proc/self/fd")
        else { return nil }
        return ProcessFigures(
            stat: stat, systemStat: systemStat,
            // The folder itself was open while it was read.
            openDescriptors: descriptors - 1, pageBytes: sysconf(Int32(_SC_PAGESIZE)),
            ticksPerSecond: sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(descriptor, &part, part.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += part.prefix(count)
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    private static func entryCount(_ folder: String) -> Int? {
        guard let directory = opendir(folder) else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // `.` and `..`
        return count - 2
    }
}
