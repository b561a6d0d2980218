import Federation
import ModelFiles
import Wire

/// One object on its way down: appended to a partial file, so that it goes on where it stopped, and verified whole.
struct ObjectDownload {
    /// How much may be asked for at once. Unit: bytes.
    static let creditBytes = UInt32(4 * WireLimits.payloadBytes)

    let object: ContentHash
    /// For people.
    let name: String
    let target: String
    private let partial: String
    /// Known in advance for model files; an adapter's is the sender's to say, up to a limit. Unit: bytes.
    private let sizeLimit: Int
    private let isSizeExact: Bool
    private(set) var offset: Int
    /// Where the outstanding request's credit ends; `nil` when none is outstanding.
    private var creditEnd: Int?
    var timer: RetryTimer

    init(
        object: ContentHash, name: String, target: String, partial: String, sizeLimit: Int, isSizeExact: Bool,
        timer: RetryTimer
    ) {
        self.object = object
        self.name = name
        self.target = target
        self.partial = partial
        self.sizeLimit = sizeLimit
        self.isSizeExact = isSizeExact
        self.timer = timer
        offset = WorkerFolder.size(partial) ?? 0
    }

    /// The next request, if none is outstanding.
    mutating func nextRequest() -> ObjectRequest? {
        guard creditEnd == nil else { return nil }
        creditEnd = offset + Int(Self.creditBytes)
        return ObjectRequest(object: object, offset: UInt64(offset), length: Self.creditBytes)
    }

    /// Nothing came in time, or the connection is another one.
    mutating func restart() { creditEnd = nil }

    enum Outcome: Hashable {
        /// A duplicate, or out of order: the next request repeats what is missing.
        case ignored
        case progressed
        case finished
        case damaged(reason: String)
    }

    mutating func receive(_ chunk: ObjectChunk, _ payload: [UInt8]) throws(FileError) -> Outcome {
        guard chunk.object == object, chunk.offset == UInt64(offset) else { return .ignored }
        guard let total = Int(exactly: chunk.totalBytes), isSizeExact ? total == sizeLimit : total <= sizeLimit else {
            return .damaged(reason: "\(name) would be \(chunk.totalBytes) bytes, expected \(sizeLimit)")
        }
        guard payload.count <= total - offset else { return .damaged(reason: "\(name) is longer than announced") }
        try WorkerFolder.append(payload, to: partial)
        offset += payload.count
        if offset == total { return try finish() }
        guard !payload.isEmpty else { return .ignored }
        if let creditEnd, offset >= creditEnd { self.creditEnd = nil }
        return .progressed
    }

    private mutating func finish() throws(FileError) -> Outcome {
        guard try MappedFile(path: partial).withBytes({ ContentHash(of: $0) }) == object else {
            WorkerFolder.remove(partial)
            offset = 0
            creditEnd = nil
            return .damaged(reason: "\(name) arrived with another SHA-256 than announced")
        }
        try WorkerFolder.move(partial, to: target)
        return .finished
    }
}
