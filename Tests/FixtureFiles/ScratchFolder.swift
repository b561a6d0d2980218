internal import Glibc

/// A new empty folder for one test; removed, with the plain files and folders in it, when the last reference goes.
public final class ScratchFolder: Sendable {
    public let path: String

    public init() {
        let made = "/tmp/shoal-test-XXXXXX".withCString { template -> String? in
            guard let copy = strdup(template) else { return nil }
            defer { free(copy) }
            return mkdtemp(copy).map { String(cString: $0) }
        }
        guard let made else { preconditionFailure("no scratch folder in /tmp: \(errno)") }
        path = made
    }

    /// A path within the folder.
    public func file(_ name: String) -> String { path + "/" + name }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                    tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { remove(path + "/" + name) }
            }
            closedir(stream)
        }
        rmdir(path)
    }
}
