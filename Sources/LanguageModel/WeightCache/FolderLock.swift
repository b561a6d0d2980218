internal import Glibc
internal import ModelFiles

/// Keeps others who take the same lock out of a folder until the last reference goes or the process ends.
final class FolderLock {
    private var descriptor: Int32
    /// Whether this process has it; a file system without locks, or an owner that never ends, leaves it without.
    private(set) var isHeld = false

    /// Unit: microseconds.
    private static let pause: UInt32 = 20_000
    /// Ten minutes, longer than any conversion takes.
    private static let pausesMax = 30_000

    init(waitingFor folder: String) {
        descriptor = retryingInterrupts { open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { return }
        for _ in 0..<Self.pausesMax {
            if retryingInterrupts({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 {
                isHeld = true
                return
            }
            guard errno == EWOULDBLOCK else { return }
            usleep(Self.pause)
        }
    }

    deinit {
        // Closing the last descriptor unlocks.
        if descriptor >= 0 { close(descriptor) }
    }
}
