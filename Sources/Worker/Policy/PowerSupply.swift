internal import Glibc
internal import ModelFiles

/// Reads whether a machine runs on mains power (`/sys/class/power_supply`, Linux's documentation of its ABI).
public struct PowerSupply: Sendable {
    private let folder: String

    public init(folder: String = "/sys/class/power_supply") {
        self.folder = folder
    }

    /// A supply that is on tells it. A machine without batteries has nothing else to run on; one whose supplies are all
    /// off, or whose battery empties, runs on that.
    public var isOnMains: Bool {
        var supplies = 0
        var batteries: [String?] = []
        for name in DiskTable.disk(of: folder).names(in: folder) ?? [] {
            switch text("type", of: name) {
            case "Mains", "USB", "Wireless":
                if text("online", of: name) != "0" { return true }
                supplies += 1
            // The battery of a mouse or a keyboard supplies nothing else.
            case "Battery" where text("scope", of: name) != "Device": batteries.append(text("status", of: name))
            default: break
            }
        }
        if batteries.isEmpty { return true }
        return supplies == 0 && !batteries.contains("Discharging")
    }

    /// The one line of a small file; `nil` if there is none. The kernel's files cannot be mapped.
    private func text(_ file: String, of name: String) -> String? {
        let descriptor = open("\(folder)/\(name)/\(file)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
