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

    /// What keeps a state directory from being written; `nil`: nothing.
    typealias DiskProblem = String

    /// - Parameters:
    ///   - source: The run.
    ///   - disk: What ``diskProblem(of:)`` found, lately.
    init(of source: RunSource, disk: DiskProblem?) {
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
        self = disk.map { .notReady("the state directory cannot be written: \($0)") } ?? .ready
    }

    /// Looks whether a folder can be written, and writes nothing: anybody may ask, as often as they like.
    static func diskProblem(of folder: String) -> DiskProblem? {
        // Says so, too, where the whole file system may only be read.
        guard access(folder, W_OK | X_OK) == 0 else { return FileError.last("write", folder).reason }
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return FileError.last("look at", folder).reason }
        // A file system that counts nothing says 0 in all.
        guard disk.f_blocks == 0 || disk.f_bavail > 0 else {
            return FileError(operation: "write", path: folder, code: ENOSPC).reason
        }
        guard disk.f_files == 0 || disk.f_favail > 0 else { return "no inode is left on its disk" }
        return nil
    }
}
