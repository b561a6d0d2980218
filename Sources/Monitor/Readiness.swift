import Coordinator
import Glibc
import ModelFiles

/// Whether workers can be served now.
enum Readiness: Hashable, Sendable {
    case ready
    /// A sentence that names no path: anybody may ask.
    case notReady(String)

    /// A loop that has said nothing for so long serves nobody. Unit: seconds.
    static let silenceSecondsMax = 60

    init(of source: RunSource) {
        guard let (fleet, age) = source.board.newest else {
            self = .notReady("the coordinator is starting")
            return
        }
        guard fleet.acceptsWorkers else {
            self = .notReady("the run has ended and takes no workers any more")
            return
        }
        guard age < .seconds(Self.silenceSecondsMax) else {
            self = .notReady("the coordinator has served nobody for \(age.components.seconds) seconds")
            return
        }
        do throws(FileError) {
            try Self.write(below: source.state)
            self = .ready
        } catch {
            self = .notReady("the state directory cannot be written: \(error.reason)")
        }
    }

    /// Leaves nothing behind.
    private static func write(below folder: String) throws(FileError) {
        let path = folder + "/monitor.probe"
        let disk = DiskTable.disk(of: path)
        let descriptor = disk.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        let written = withUnsafeBytes(of: UInt64(0)) { disk.write(descriptor, $0) }
        let failure = written == 8 && disk.synchronize(descriptor) == 0 ? nil : FileError.last("write", path)
        _ = disk.close(descriptor)
        _ = disk.unlink(path)
        if let failure { throw failure }
    }
}
