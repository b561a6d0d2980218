internal import Glibc

extension AtomicFile {
    /// Replaces a folder of plain files in one step: a reader finds the old files or the new ones, never a mix.
    ///
    /// The new folder is written beside the old one and the two exchange names. Files of the old folder that the new
    /// one does not name are kept (as hard links); a folder that holds folders is refused, so that a mistaken path
    /// never loses more than the files named. A process killed between the exchange and the clean-up leaves the old
    /// version in a hidden `.NAME.….tmp` beside the new one.
    ///
    /// - Parameters:
    ///   - files: Plain file names with their content; permissions 0644 less the process's umask.
    ///   - stale: Files of the old folder that are not kept.
    public static func replaceDirectory(
        at path: String, with files: [(name: String, bytes: [UInt8])], removing stale: [String] = []
    ) throws(FileError) {
        try replaceDirectory(at: path, replacing: stale + files.map(\.name)) { (temporary) throws(FileError) in
            for file in files { try create(temporary + "/" + file.name, file.bytes, permissions: 0o644) }
        }
    }

    /// The same with the files of another folder, which stays: both names lead to the same bytes on disk (hard links),
    /// or to copies where the file system has no such links.
    package static func replaceDirectory(
        at path: String, withFilesOf source: String, removing stale: [String] = []
    ) throws(FileError) {
        let names = try entries(of: source)
        let disk = DiskTable.disk(of: path)
        try replaceDirectory(at: path, replacing: stale + names) { (temporary) throws(FileError) in
            for name in names where disk.link(source + "/" + name, as: temporary + "/" + name) != 0 {
                let bytes = try MappedFile(path: source + "/" + name).copy()
                try create(temporary + "/" + name, bytes, permissions: 0o644)
            }
        }
    }

    /// - Parameters:
    ///   - replaced: Files of the old folder that are not kept.
    ///   - fill: Puts durable files into a temporary folder.
    private static func replaceDirectory(
        at path: String, replacing replaced: [String], _ fill: (_ temporary: String) throws(FileError) -> Void
    ) throws(FileError) {
        let disk = DiskTable.disk(of: path)
        let target = resolved(path)
        let (folder, name) = split(target)
        let kept = try entries(of: target).filter { !replaced.contains($0) }
        let temporary = try unusedName(in: folder, for: name) { (candidate) throws(FileError) in
            guard disk.makeFolder(candidate, 0o755) == 0 else { throw FileError.last("create", candidate) }
        }
        do throws(FileError) {
            try fill(temporary)
            for entry in kept where disk.link(target + "/" + entry, as: temporary + "/" + entry) != 0 {
                throw FileError.last("keep", target + "/" + entry)
            }
            try synchronizeFolder(temporary)
            try exchange(temporary, target)
        } catch {
            removeFiles(temporary)
            throw error
        }
        removeFiles(temporary)  // By now the old version, if there was one.
        try synchronizeFolder(folder)
    }

    /// Makes a folder of plain files that appears whole or not at all, for content too large to hold in memory.
    ///
    /// - Parameters:
    ///   - path: Must not exist yet, or be an empty folder.
    ///   - write: Gets the path of a temporary folder beside it, and puts durable files there.
    public static func createDirectory(at path: String, _ write: (String) throws -> Void) throws {
        let disk = DiskTable.disk(of: path)
        let target = resolved(path)
        let (folder, name) = split(target)
        try requireEmpty(target)
        let temporary = try unusedName(in: folder, for: name) { (candidate) throws(FileError) in
            guard disk.makeFolder(candidate, 0o755) == 0 else { throw FileError.last("create", candidate) }
        }
        do {
            try write(temporary)
            try synchronizeFolder(temporary)
            guard disk.rename(temporary, to: target) == 0 else {
                throw FileError.last("rename \(temporary) to", target)
            }
        } catch {
            removeFiles(temporary)
            throw error
        }
        try synchronizeFolder(folder)
    }

    private static func requireEmpty(_ path: String) throws(FileError) {
        guard try entries(of: path).isEmpty else {
            throw FileError(operation: "fill, for it is not empty,", path: path, code: ENOTEMPTY)
        }
    }

    /// Puts `temporary` in `target`'s place, and what was there, if anything, in its own.
    private static func exchange(_ temporary: String, _ target: String) throws(FileError) {
        let disk = DiskTable.disk(of: target)
        if disk.exchange(temporary, target) == 0 { return }
        switch errno {
        case ENOENT:
            guard disk.rename(temporary, to: target) == 0 else {
                throw FileError.last("rename \(temporary) to", target)
            }
        case EINVAL, ENOSYS:
            // A file system without exchange: for a moment between the two renames no folder has the name.
            let old = temporary + ".old"
            guard disk.rename(target, to: old) == 0 else { throw FileError.last("rename", target) }
            guard disk.rename(temporary, to: target) == 0 else {
                let error = FileError.last("rename \(temporary) to", target)
                _ = disk.rename(old, to: target)
                throw error
            }
            _ = disk.rename(old, to: temporary)
        default:
            throw FileError.last("replace", target)
        }
    }

    /// The names of a folder's plain files; empty if there is no folder.
    private static func entries(of folder: String) throws(FileError) -> [String] {
        let disk = DiskTable.disk(of: folder)
        guard let names = disk.names(in: folder) else {
            if errno == ENOENT { return [] }
            throw FileError.last("list folder", folder)
        }
        for name in names {
            guard let status = disk.status(folder + "/" + name, followsLinks: false) else {
                throw FileError.last("examine", folder + "/" + name)
            }
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw FileError(operation: "replace, for it holds the folder \(name),", path: folder, code: ENOTEMPTY)
            }
        }
        return names
    }

    /// Removes a temporary folder and the files in it, never anything below; what fails stays behind.
    private static func removeFiles(_ folder: String) {
        guard let names = try? entries(of: folder) else { return }
        let disk = DiskTable.disk(of: folder)
        for name in names { _ = disk.unlink(folder + "/" + name) }
        _ = disk.removeFolder(folder)
    }

    /// The folder behind a symbolic link, so that the link stays and its target is replaced.
    private static func resolved(_ path: String) -> String {
        if let real = DiskTable.disk(of: path).realPath(path) { return real }
        let (folder, name) = split(path)
        return folder + "/" + name
    }
}
