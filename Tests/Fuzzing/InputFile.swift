import FixtureFiles
import Glibc

/// A folder with one file that each input writes over, for readers that take a path.
final class InputFile {
    private let scratch = ScratchFolder()
    private let descriptor: CInt
    var folder: String { scratch.path }
    let path: String

    init(_ name: String) throws {
        path = scratch.file(name)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Contradiction("no file in \(scratch.path): \(errno)") }
    }

    deinit { close(descriptor) }

    func write(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
            throw Contradiction("\(path) cannot be written: \(errno)")
        }
    }

    /// Another file beside it, the same for all inputs.
    func link(_ name: String, to target: String) throws {
        guard symlink(target, scratch.file(name)) == 0 else { throw Contradiction("no link \(name): \(errno)") }
    }
}
