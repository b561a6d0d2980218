package import Glibc

/// The machine's own files.
package final class SystemDisk: Disk {
    package static let shared = SystemDisk()

    private init() {}

    package func open(_ path: String, _ flags: Int32, _ permissions: UInt32) -> Int32 {
        retryingInterrupts { Glibc.open(path, flags, permissions) }
    }

    package func close(_ descriptor: Int32) -> Int32 { Glibc.close(descriptor) }

    package func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        retryingInterrupts { Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
    }

    package func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
        retryingInterrupts { pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset)) }
    }

    package func truncate(_ descriptor: Int32, to size: Int) -> Int32 { ftruncate(descriptor, off_t(size)) }

    package func synchronize(_ descriptor: Int32) -> Int32 { fsync(descriptor) }

    /// sync_file_range(2) over the whole file, looked up by name as glibc declares it for `_GNU_SOURCE` only. Its type is
    /// `int (int, off64_t, off64_t, unsigned int)`.
    package func beginSynchronizing(_ descriptor: Int32) {
        typealias SynchronizeRange = @convention(c) (Int32, Int64, Int64, UInt32) -> Int32
        guard let symbol = dlsym(nil, "sync_file_range") else { return }
        let write: UInt32 = 2
        _ = unsafeBitCast(symbol, to: SynchronizeRange.self)(descriptor, 0, 0, write)
    }

    package func forget(_ descriptor: Int32) { posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

    package func lock(_ descriptor: Int32, _ operation: Int32) -> Int32 { flock(descriptor, operation) }

    package func status(of descriptor: Int32) -> stat? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status : nil
    }

    package func map(_ descriptor: Int32, _ count: Int) -> UnsafeRawPointer? {
        guard let start = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            return nil
        }
        return UnsafeRawPointer(start)
    }

    package func unmap(_ start: UnsafeRawPointer, _ count: Int) {
        munmap(UnsafeMutableRawPointer(mutating: start), count)
    }

    package func status(_ path: String, followsLinks: Bool) -> stat? {
        var status = stat()
        return (followsLinks ? stat(path, &status) : lstat(path, &status)) == 0 ? status : nil
    }

    package func rename(_ old: String, to new: String) -> Int32 { Glibc.rename(old, new) }

    /// Looked up by name: glibc declares renameat2 for `_GNU_SOURCE` only, which Swift's Glibc module does not define.
    /// The type below is renameat2(2)'s own: `int (int, const char *, int, const char *, unsigned int)`. -1 and
    /// `ENOSYS` where the C library has none.
    package func exchange(_ first: String, _ second: String) -> Int32 {
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

    package func link(_ old: String, as new: String) -> Int32 { Glibc.link(old, new) }
    package func unlink(_ path: String) -> Int32 { Glibc.unlink(path) }
    package func makeFolder(_ path: String, _ permissions: UInt32) -> Int32 { mkdir(path, permissions) }
    package func removeFolder(_ path: String) -> Int32 { rmdir(path) }
    package func changePermissions(_ path: String, _ permissions: UInt32) -> Int32 { chmod(path, permissions) }

    package func names(in folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { return errno == 0 ? names : nil }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    package func realPath(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
