package import Glibc

/// The system calls that files of durable state are made with.
///
/// Everything that must survive a crash (blobs, uploads, the worker's state, keys, published adapters) goes through here,
/// and only here: production runs on ``SystemDisk``, fault simulations on a disk in memory that loses what was not
/// synchronised. Each call does what its namesake in the manual's section 2 does: -1 or `nil` says that it failed, with
/// the reason in the thread's `errno`.
package protocol Disk: AnyObject, Sendable {
    // MARK: Descriptors
    func open(_ path: String, _ flags: Int32, _ permissions: UInt32) -> Int32
    func close(_ descriptor: Int32) -> Int32
    /// At the end of a file opened with `O_APPEND`, otherwise where the last write ended.
    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int
    func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int
    func truncate(_ descriptor: Int32, to size: Int) -> Int32
    /// fsync(2), for files and folders.
    func synchronize(_ descriptor: Int32) -> Int32
    /// Lets the disk begin with what was written, without waiting for it: a later ``synchronize(_:)`` waits less.
    func beginSynchronizing(_ descriptor: Int32)
    /// Says that what was synchronised will not be read soon: its copy in memory may go.
    func forget(_ descriptor: Int32)
    /// flock(2).
    func lock(_ descriptor: Int32, _ operation: Int32) -> Int32
    func status(of descriptor: Int32) -> stat?
    /// Maps a whole file for reading.
    func map(_ descriptor: Int32, _ count: Int) -> UnsafeRawPointer?
    func unmap(_ start: UnsafeRawPointer, _ count: Int)

    // MARK: Names
    func status(_ path: String, followsLinks: Bool) -> stat?
    func rename(_ old: String, to new: String) -> Int32
    /// renameat2(2) with `RENAME_EXCHANGE`.
    func exchange(_ first: String, _ second: String) -> Int32
    func link(_ old: String, as new: String) -> Int32
    func unlink(_ path: String) -> Int32
    func makeFolder(_ path: String, _ permissions: UInt32) -> Int32
    func removeFolder(_ path: String) -> Int32
    func changePermissions(_ path: String, _ permissions: UInt32) -> Int32
    /// A folder's entries but `.` and `..`, in any order.
    func names(in folder: String) -> [String]?
    /// The path without links and dots; `nil` if it names nothing.
    func realPath(_ path: String) -> String?
}

extension Disk {
    package func beginSynchronizing(_ descriptor: Int32) {}
    package func forget(_ descriptor: Int32) {}

    package func exists(_ path: String) -> Bool { status(path, followsLinks: true) != nil }

    /// Writes all of the bytes where the descriptor stands, however many pieces that takes.
    ///
    /// - Parameter path: For the error.
    package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = write(descriptor, UnsafeRawBufferPointer(rebasing: rest))
            guard written > 0 else { throw FileError.last("write", path) }
            rest = rest.dropFirst(written)
        }
    }

    package func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(FileError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try writeAll(bytes, to: descriptor, path: path) }
        }
        try result.get()
    }
}
