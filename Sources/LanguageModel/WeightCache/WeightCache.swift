internal import Glibc
package import ModelFiles

/// bfloat16 copies of weights that models store in another type, in files that every process of a machine maps.
///
/// A copy is named by the content of the files that it was made from, so it serves every path of the same model and is
/// never out of date. It appears whole or not at all, and one process makes it while others wait. A damaged copy is
/// made again. Where the folder cannot be written or the disk is full, the caller converts in its own memory.
public struct WeightCache: Sendable {
    /// Holds copies and remembered hashes; everything in it can be made again.
    public let folder: String
    private let warning: @Sendable (String) -> Void
    private var copies: String { folder + "/weights" }
    private var hashes: String { folder + "/hashes" }

    /// - Parameters:
    ///   - folder: Made, readable by this user alone, if it is missing.
    ///   - warning: Told, in one sentence for people, why copies cannot be kept.
    public init(folder: String, warning: @escaping @Sendable (String) -> Void) {
        self.folder = folder
        self.warning = warning
    }

    /// The file that holds a bfloat16 copy of every float32 and float16 matrix of a checkpoint, under the same names.
    ///
    /// - Returns: `nil` if there is nothing to convert, or if the copy can neither be found nor made.
    package func copy(of checkpoint: Checkpoint) throws(CheckpointError) -> SafetensorsFile? {
        let plan = try ConversionPlan(checkpoint)
        guard !plan.isEmpty else { return nil }
        do {
            for folder in [folder, copies, hashes] { try createFolder(folder) }
            let memo = HashMemo(folder: hashes)
            if let copy = find(plan, known: memo.known) { return copy }
            // Waits for whoever converts this model, or another one: a machine has no use for two at a time.
            let lock = FolderLock(waitingFor: copies)
            defer { withExtendedLifetime(lock) {} }
            if let copy = find(plan, known: memo.hash) { return copy }
            if lock.isHeld { AtomicFile.removeTemporaries(in: copies) }
            return try make(plan, memo)
        } catch {
            warning(
                "bfloat16 weights cannot be kept in \(copies) (\(error)), so each process converts its own; set "
                    + "SHOAL_CACHE to a folder with room for \(plan.byteCount / 1_000_000) MB that this user can write")
            return nil
        }
    }

    /// An undamaged copy.
    ///
    /// - Parameter known: A file's hash, or `nil` to give up.
    private func find(_ plan: ConversionPlan, known: (MappedFile) -> ContentHash?) -> SafetensorsFile? {
        guard let key = plan.key(hash: known) else { return nil }
        let path = path(key)
        guard let file = try? MappedFile(path: path), let copy = try? SafetensorsFile(file), plan.describes(copy),
            let stated = try? MappedFile(path: path + Self.checksumSuffix).copy(),
            stated == Self.checksum(known(file), path)
        else { return nil }
        return copy
    }

    private func make(_ plan: ConversionPlan, _ memo: HashMemo) throws(FileError) -> SafetensorsFile? {
        guard let key = plan.key(hash: memo.hash) else { return nil }
        let path = path(key)
        var hash: ContentHash?
        try AtomicFile.make(path) { (temporary) throws(FileError) in
            try plan.write(to: temporary)
            let written = HashMemo.read(try MappedFile(path: temporary))
            // Equal content has equal checksums, so it does not matter whose copy takes the name.
            try AtomicFile.write(Self.checksum(written, path), to: path + Self.checksumSuffix)
            hash = written
        }
        let file = try MappedFile(path: path)
        if let hash { memo.remember(hash, of: file) }
        return try? SafetensorsFile(file)
    }

    private func path(_ key: ContentHash) -> String { "\(copies)/\(key).safetensors" }

    private static let checksumSuffix = ".sha256"

    /// A line that `sha256sum --check` takes.
    private static func checksum(_ hash: ContentHash?, _ path: String) -> [UInt8] {
        guard let hash, let name = path.split(separator: "/").last else { return [] }
        return Array("\(hash)  \(name)\n".utf8)
    }

    private func createFolder(_ path: String) throws(FileError) {
        var missing: [String] = []
        var rest = path[...]
        while !rest.isEmpty, mkdir(String(rest), 0o700) != 0, errno != EEXIST {
            guard errno == ENOENT, let slash = rest.lastIndex(of: "/") else {
                throw FileError.last("create", String(rest))
            }
            missing.append(String(rest))
            rest = rest[..<slash]
        }
        for folder in missing.reversed() where mkdir(folder, 0o700) != 0 && errno != EEXIST {
            throw FileError.last("create", folder)
        }
    }
}
