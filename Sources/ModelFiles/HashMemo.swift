internal import Glibc

/// Content hashes of large files, remembered in a folder that every process of a machine may share.
///
/// A memo counts as long as the file's stamp (device, inode, size, both times) is the one it was taken at. One that is
/// missing, damaged or cannot be written costs a reading of the file and nothing else.
package struct HashMemo: Sendable {
    package let folder: String

    /// A file that changed less than this long ago may change again within one tick of a coarse clock, unseen, so
    /// its hash is not remembered. Unit: nanoseconds.
    private static let settledNanoseconds = 2_000_000_000

    package init(folder: String) {
        self.folder = folder
    }

    /// The hash, if it is remembered.
    package func known(_ file: MappedFile) -> ContentHash? {
        guard let memo = try? MappedFile(path: path(for: file)).copy() else { return nil }
        let text = String(decoding: memo, as: UTF8.self)
        let stamp = "\(file.stamp) "
        guard text.hasPrefix(stamp), text.hasSuffix("\n") else { return nil }
        return ContentHash(String(text.dropFirst(stamp.count).dropLast()))
    }

    /// The hash, remembered or from reading the whole file.
    package func hash(of file: MappedFile) -> ContentHash {
        if let known = known(file) { return known }
        let hash = Self.read(file)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = Int(now.tv_sec) &* 1_000_000_000 &+ Int(now.tv_nsec) &- file.stamp.modified
        if age > Self.settledNanoseconds { remember(hash, of: file) }
        return hash
    }

    /// Remembers a hash; for a file that is never changed in place at once, however young it is.
    package func remember(_ hash: ContentHash, of file: MappedFile) {
        try? AtomicFile.write(Array("\(file.stamp) \(hash)\n".utf8), to: path(for: file))
    }

    /// The hash from reading the whole file.
    package static func read(_ file: MappedFile) -> ContentHash {
        file.withBytes { bytes in
            var hasher = ContentHash.Hasher()
            hasher.update(bytes)
            return hasher.finished()
        }
    }

    /// One memo a path: that of a file's new version takes the old one's place.
    private func path(for file: MappedFile) -> String {
        let resolved = realpath(file.path, nil)
        defer { free(resolved) }
        let path = resolved.map { String(cString: $0) } ?? file.path
        return folder + "/" + ContentHash(of: Array(path.utf8)).description
    }
}
