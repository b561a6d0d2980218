import Glibc
import ModelFiles

/// Small updates, one behind the other in append-only files, `segments/NNNNNNNN`: one synchronisation makes a whole batch
/// of them durable.
///
/// An entry is its object's SHA-256 (32 bytes), its length (8 bytes, little-endian) and its bytes. The index is rebuilt
/// from the files: what a crash left unfinished at the end of one is not in it, and what a power cut spoiled is found out
/// by its hash. A file goes when nothing in it is needed any more.
final class UpdateSegments {
    /// Where an object's bytes are.
    private struct Place {
        let segment: Int
        let range: Range<Int>
    }

    /// The one that is written to.
    private struct Open {
        let number: Int
        let descriptor: Int32
        var size = 0
    }

    /// A file is full at this size: one that is mapped for an update is never large. Unit: bytes.
    private static let fullBytes = 8 << 20
    private static let headerBytes = 40

    private let folder: String
    private let disk: any Disk
    private var places: [ContentHash: Place] = [:]
    /// Indexed objects, by segment.
    private var counts: [Int: Int] = [:]
    private var open: Open?
    private var lastNumber = 0
    /// Files that nothing is needed of, still there.
    private var retired: [Int] = []

    /// Takes up what earlier processes left in `STATE/segments`.
    init(state: String) throws(FileError) {
        folder = state + "/segments"
        disk = DiskTable.disk(of: folder)
        try PrivateAccess.makeFolder(folder)
        for number in (disk.names(in: folder) ?? []).compactMap({ Int($0) }).sorted() {
            lastNumber = number
            try readIndex(of: number)
            if counts[number] == nil { _ = disk.unlink(path(number)) }
        }
    }

    deinit { close() }

    /// The object's bytes, mapped; `nil` if it lies in no segment.
    func map(_ object: ContentHash) throws(FileError) -> MappedFile? {
        guard let place = places[object] else { return nil }
        return try MappedFile(path: path(place.segment), range: place.range)
    }

    func contains(_ object: ContentHash) -> Bool { places[object] != nil }

    var objects: Set<ContentHash> { Set(places.keys) }

    /// Writes objects and waits for the disk once for all of them.
    ///
    /// - Parameter updates: Bytes with their SHA-256; at least one.
    func append(_ updates: [(object: ContentHash, bytes: [UInt8])]) throws(FileError) {
        let isNew = open == nil
        var segment: Open
        if let open { segment = open } else { segment = try create() }
        open = segment
        for update in updates {
            var header = update.object.bytes
            withUnsafeBytes(of: UInt64(update.bytes.count).littleEndian) { header.append(contentsOf: $0) }
            for bytes in [header, update.bytes] {
                try disk.writeAll(bytes, to: segment.descriptor, path: path(segment.number))
            }
            let start = segment.size + Self.headerBytes
            segment.size = start + update.bytes.count
            index(update.object, Place(segment: segment.number, range: start..<segment.size))
        }
        open = segment
        guard disk.synchronize(segment.descriptor) == 0 else { throw .last("flush", path(segment.number)) }
        if isNew { try AtomicFile.synchronizeFolder(folder) }
        if segment.size >= Self.fullBytes { close() }
    }

    func remove(_ object: ContentHash) {
        guard let place = places.removeValue(forKey: object) else { return }
        let left = (counts[place.segment] ?? 1) - 1
        counts[place.segment] = left > 0 ? left : nil
        if left == 0 { drop(place.segment) }
    }

    /// Nothing that lies here is needed any more; the files go with ``sweep()``.
    func retire() {
        close()
        retired += counts.keys.sorted()
        places = [:]
        counts = [:]
    }

    /// Removes one retired file.
    ///
    /// - Returns: Whether there was one.
    func sweep() -> Bool {
        guard let number = retired.popLast() else { return false }
        _ = disk.unlink(path(number))
        return true
    }

    private func drop(_ number: Int) {
        if open?.number == number { close() }
        _ = disk.unlink(path(number))
    }

    private func index(_ object: ContentHash, _ place: Place) {
        // The same object again: the later bytes are known to be sound.
        counts[place.segment, default: 0] += 1
        remove(object)
        places[object] = place
    }

    private func create() throws(FileError) -> Open {
        lastNumber += 1
        let path = path(lastNumber)
        let descriptor = disk.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("create", path) }
        return Open(number: lastNumber, descriptor: descriptor)
    }

    private func close() {
        if let open { _ = disk.close(open.descriptor) }
        open = nil
    }

    private func readIndex(of number: Int) throws(FileError) {
        let file = try MappedFile(path: path(number))
        file.withBytes { bytes in
            var offset = 0
            while bytes.count - offset > Self.headerBytes {
                let start = offset + Self.headerBytes
                let count = UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 32, as: UInt64.self))
                guard count > 0, count <= UInt64(bytes.count - start),
                    let object = ContentHash(bytes: Array(bytes[offset..<offset + 32]))
                else { return }
                offset = start + Int(count)
                index(object, Place(segment: number, range: start..<offset))
            }
        }
    }

    private func path(_ number: Int) -> String {
        let digits = String(number)
        return folder + "/" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }
}
