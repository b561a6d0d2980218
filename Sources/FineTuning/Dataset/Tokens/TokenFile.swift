internal import Glibc
internal import ModelFiles

/// Tokens on disk, in a temporary file without a name: nobody else can open it, and it goes with its last user.
final class TokenFile: Sendable {
    private let descriptor: Int32
    private let folder: String

    init() throws(DataError) {
        // /tmp is memory on many systems.
        folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
        var template = Array((folder + "/shoal-tokens-XXXXXX").utf8CString)
        descriptor = mkstemp(&template)  // Mode 0600.
        guard descriptor >= 0 else { throw .unwritable(FileError.last("create a file in", folder)) }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Parameter offset: Unit: tokens.
    func write(_ tokens: [Int32], at offset: Int) throws(DataError) {
        let failure: FileError? = tokens.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
                let count = retryingInterrupts { pwrite(descriptor, part.baseAddress, part.count, offset * 4 + done) }
                guard count > 0 else { return FileError.last("write tokens into", folder) }
                done += count
            }
            return nil
        }
        if let failure { throw .unwritable(failure) }
    }

    /// - Parameter range: Unit: tokens; written before.
    func read(_ range: Range<Int>) -> [Int32] {
        [Int32](unsafeUninitializedCapacity: range.count) { target, initialized in
            let bytes = UnsafeMutableRawBufferPointer(target)
            var done = 0
            while done < range.count * 4 {
                let part = UnsafeMutableRawBufferPointer(rebasing: bytes[done..<(range.count * 4)])
                let count = retryingInterrupts {
                    pread(descriptor, part.baseAddress, part.count, range.lowerBound * 4 + done)
                }
                // What was written and has no name cannot be cut; only the disk itself can fail here.
                precondition(count > 0, "\(FileError.last("read tokens from", folder))")
                done += count
            }
            initialized = range.count
        }
    }
}
