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
        let target = resolved(path)
        let (folder, name) = split(target)
        let kept = try entries(of: target).filter { entry in
            !stale.contains(entry) && !files.contains { $0.name == entry }
        }
        let temporary = try unusedName(in: folder, for: name) { (candidate) throws(FileError) in
            guard mkdir(candidate, 0o755) == 0 else { throw FileError.last("create", candidate) }
        }
        do throws(FileError) {
            for file in files {
                try write(file.bytes, to: temporary + "/" + file.name)
            }
            for entry in kept where link(target + "/" + entry, temporary + "/" + entry) != 0 {
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
        let target = resolved(path)
        let (folder, name) = split(target)
        try requireEmpty(target)
        let temporary = try unusedName(in: folder, for: name) { (candidate) throws(FileError) in
            guard mkdir(candidate, 0o755) == 0 else { throw FileError.last("create", candidate) }
        }
        do {
            try write(temporary)
            try synchronizeFolder(temporary)
            guard rename(temporary, target) == 0 else { throw FileError.last("rename \(temporary) to", target) }
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
        if exchangeNames(temporary, target) == 0 { return }
        switch errno {
        case ENOENT:
            guard rename(temporary, target) == 0 else { throw FileError.last("rename \(temporary) to", target) }
        case EINVAL, ENOSYS:
            // A file system without exchange: for a moment between the two renames no folder has the name.
            let old = temporary + ".old"
            guard rename(target, old) == 0 else { throw FileError.last("rename", target) }
            guard rename(temporary, target) == 0 else {
                let error = FileError.last("rename \(temporary) to", target)
                rename(old, target)
                throw error
            }
            rename(old, temporary)
        default:
            throw FileError.last("replace", target)
        }
    }

    /// renameat2 with RENAME_EXCHANGE; -1 and ENOSYS where the C library has none.
    ///
    /// Looked up by name: glibc declares it for `_GNU_SOURCE` only, which Swift's Glibc module does not define. The
    /// type below is renameat2(2)'s own: `int (int, const char *, int, const char *, unsigned int)`.
    private static func exchangeNames(_ first: String, _ second: String) -> Int32 {
        typealias RenameAt =
            @convention(c) (
                Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32
            ) -> Int32
        guard let symbol = dlsym(nil, "renameat2") else {
            errno = ENOSYS
            return -1
        }
        let exchange: UInt32 = 1 << 1
        return unsafeBitCast(symbol, to: RenameAt.self)(AT_FDCWD, first, AT_FDCWD, second, exchange)
    }

    /// The names of a folder's plain files; empty if there is no folder.
    private static func entries(of folder: String) throws(FileError) -> [String] {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw FileError.last("open folder", folder)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw FileError.last("list", folder) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            var status = stat()
            guard lstat(folder + "/" + name, &status) == 0 else { throw FileError.last("examine", folder + "/" + name) }
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw FileError(operation: "replace, for it holds the folder \(name),", path: folder, code: ENOTEMPTY)
            }
            names.append(name)
        }
    }

    /// Removes a temporary folder and the files in it, never anything below; what fails stays behind.
    private static func removeFiles(_ folder: String) {
        guard let names = try? entries(of: folder) else { return }
        for name in names { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    /// The folder behind a symbolic link, so that the link stays and its target is replaced.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else {
            let (folder, name) = split(path)
            return folder + "/" + name
        }
        defer { free(real) }
        return String(cString: real)
    }
}
