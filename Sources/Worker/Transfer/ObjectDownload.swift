package import ModelFiles
package import Wire

/// Why an object did not arrive.
package enum DownloadError: Error, Hashable, CustomStringConvertible {
    case file(FileError)
    case tooLarge(bytes: UInt64, limit: UInt64)
    case wrongSize(bytes: UInt64, expected: UInt64)
    /// Twice, the bytes were not those of the hash.
    case corrupt(ContentHash)
    case manifest(ModelManifestError)

    package var description: String {
        switch self {
        case .file(let error): error.description + "; free some space or choose another --state folder"
        case .tooLarge(let bytes, let limit):
            "the coordinator offers an object of \(bytes) bytes where at most \(limit) may come"
        case .wrongSize(let bytes, let expected):
            "the coordinator offers an object of \(bytes) bytes where its manifest says \(expected)"
        case .corrupt(let object):
            "what the coordinator sent for object \(object) twice did not have that SHA-256; its file was changed or "
                + "damaged since the run began"
        case .manifest(let error): error.description
        }
    }
}

/// One object on its way from the coordinator: how far it is, and how much was asked for.
///
/// Bytes are taken in order only; whatever else arrives (duplicates, an answer to a request that was given up) is
/// ignored, so that a repeated request costs bytes, never correctness.
package final class ObjectDownload {
    package enum Step: Hashable {
        case ignored
        /// Bytes came, more are on their way.
        case advanced
        /// What was asked for has come (or must come again): ask for more.
        case needsRequest
        case complete
    }

    /// What one request asks for. Unit: bytes.
    static let creditBytes = 4 * WireLimits.payloadBytes
    private static let reservedBytesMax: UInt64 = 64 << 20

    let object: ContentHash
    private let limit: UInt64
    private let expected: UInt64?
    private let file: PartialFile?
    private var memory: [UInt8] = []
    private var hasher = ContentHash.Hasher()
    private var credited: UInt64 = 0
    private var hasRetried = false
    /// Bytes held.
    package private(set) var received: UInt64

    /// Into memory.
    package init(_ object: ContentHash, limit: UInt64) {
        self.object = object
        self.limit = limit
        expected = nil
        file = nil
        received = 0
    }

    /// Into a file of known size, from where an earlier download stopped.
    package init(_ object: ContentHash, size: UInt64, into file: PartialFile) throws(FileError) {
        self.object = object
        limit = size
        expected = size
        self.file = file
        if file.size > size { try file.empty() }
        try file.rehash(into: &hasher)
        received = file.size
    }

    /// The bytes, once complete, of a download into memory.
    package var bytes: [UInt8] { memory }

    /// Asks for what is missing, from the first missing byte on.
    func request() -> ObjectRequest {
        credited = received + UInt64(Self.creditBytes)
        return ObjectRequest(object: object, offset: received, length: UInt32(Self.creditBytes))
    }

    package func take(_ chunk: ObjectChunk, _ payload: [UInt8]) throws(DownloadError) -> Step {
        guard chunk.object == object else { return .ignored }
        if let expected, chunk.totalBytes != expected {
            throw .wrongSize(bytes: chunk.totalBytes, expected: expected)
        }
        guard chunk.totalBytes <= limit else { throw .tooLarge(bytes: chunk.totalBytes, limit: limit) }
        guard chunk.offset == received, !payload.isEmpty || chunk.totalBytes == received else { return .ignored }
        if let file {
            do { try file.append(payload) } catch { throw .file(error) }
        } else if memory.isEmpty, payload.count == chunk.totalBytes {
            memory = payload
        } else {
            // The size is a claim so far: memory for more comes with the bytes.
            if memory.isEmpty { memory.reserveCapacity(Int(min(chunk.totalBytes, Self.reservedBytesMax))) }
            memory += payload
        }
        hasher.update(payload)
        received += UInt64(payload.count)
        guard received == chunk.totalBytes else { return received >= credited ? .needsRequest : .advanced }
        return try finish()
    }

    private func finish() throws(DownloadError) -> Step {
        guard hasher.finished() == object else {
            guard !hasRetried else {
                do { try file?.empty() } catch { throw .file(error) }
                throw .corrupt(object)
            }
            hasRetried = true
            hasher = ContentHash.Hasher()
            received = 0
            memory = []
            do { try file?.empty() } catch { throw .file(error) }
            return .needsRequest
        }
        do { try file?.finish() } catch { throw .file(error) }
        return .complete
    }
}
