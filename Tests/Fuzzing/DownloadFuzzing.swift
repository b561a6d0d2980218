import FixtureFiles
import Glibc
import ModelFiles
import Wire
import Worker

/// Chunks of one object as a coordinator sends them, in any order and size: the first byte chooses memory or a file;
/// each further four bytes are a chunk's offset, its length, the object's size as it claims and what is wrong with it.
enum DownloadFuzzing {
    private static let content = (0..<100).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    private static let object = ContentHash(of: content)
    private static let other = ContentHash(of: [1])
    private static let limit = 120

    static func reader() throws -> FuzzTarget.Reader {
        let folder = ScratchFolder()
        return { input in
            guard let first = input.first else { return false }
            let isFile = first & 1 == 1
            unlink(folder.file(".object.part"))
            unlink(folder.file("object"))
            var download = try open(isFile, folder)
            for chunk in stride(from: 1, to: input.count - 3, by: 4).prefix(64) {
                let fault = input[chunk + 3]
                // The process ended and started again.
                if fault == 9 { download = try open(isFile, folder) }
                guard let step = take(input[chunk..<(chunk + 3)], fault, download) else { return false }
                if step == .complete {
                    let bytes = isFile ? try MappedFile(path: folder.file("object")).copy() : download.bytes
                    try expect(bytes == content, "an object of other bytes than its name says")
                    return true
                }
                try expect(download.received <= UInt64(limit), "\(download.received) bytes of at most \(limit)")
                try expect(isFile || download.bytes.count == Int(download.received), "bytes that are not there")
            }
            return false
        }
    }

    private static func open(_ isFile: Bool, _ folder: ScratchFolder) throws -> ObjectDownload {
        guard isFile else { return ObjectDownload(object, limit: UInt64(limit)) }
        let partial = try PartialFile(folder: folder.path, name: "object")
        return try ObjectDownload(object, size: UInt64(content.count), into: partial)
    }

    /// `nil` once the download has failed.
    private static func take(
        _ place: ArraySlice<UInt8>, _ fault: UInt8, _ download: ObjectDownload
    ) -> ObjectDownload.Step? {
        let place = place.map { Int($0) }
        let offset = place[0]
        var payload = (0..<place[1]).map { offset + $0 < content.count ? content[offset + $0] : 0 }
        if fault == 1, !payload.isEmpty { payload[0] ^= 1 }
        let total: UInt64 =
            switch fault {
            case 2: UInt64(place[2])
            case 3: 1 << 40
            case 4: .max
            default: UInt64(content.count)
            }
        let chunk = ObjectChunk(object: fault == 5 ? other : object, offset: UInt64(offset), totalBytes: total)
        // As it comes off the socket: a chunk beyond its object ends there.
        let bytes = WireCodec.encode(Envelope(id: 1, run: "r", message: .objectChunk(chunk)))
        guard case .objectChunk(let arrived)? = try? WireCodec.decode(bytes, payloadBytes: payload.count).message else {
            return .ignored
        }
        return try? download.take(arrived, payload)
    }

    static func seeds() -> [[UInt8]] {
        let whole: [UInt8] = [0, 100, 100, 0]
        let parts: [UInt8] = [0, 40, 100, 0, 40, 60, 100, 0]
        let repeated: [UInt8] = [0, 40, 100, 0, 0, 40, 100, 0, 10, 90, 100, 0, 40, 60, 100, 0]
        let mended: [UInt8] = [0, 100, 100, 1, 0, 50, 100, 0, 50, 50, 100, 0]
        let resumed: [UInt8] = [0, 40, 100, 0, 40, 60, 100, 9]
        return [[0] + whole, [1] + whole, [0] + parts, [1] + parts, [0] + repeated, [1] + mended, [1] + resumed]
    }
}
