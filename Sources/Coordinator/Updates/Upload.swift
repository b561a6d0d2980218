package import ModelFiles

/// One worker's upload in progress: what is held of it, and the hash of that so far.
struct Upload {
    let key: UploadKey
    let lease: UInt64
    let totalBytes: Int
    private(set) var receivedBytes = 0
    private var hasher = ContentHash.Hasher()

    init(key: UploadKey, lease: UInt64, totalBytes: Int) {
        self.key = key
        self.lease = lease
        self.totalBytes = totalBytes
    }

    var isComplete: Bool { receivedBytes == totalBytes }
    /// Of the bytes received.
    var hash: ContentHash { hasher.finished() }

    mutating func received(_ bytes: UnsafeRawBufferPointer) {
        hasher.update(bytes)
        receivedBytes += bytes.count
    }

    /// From the start again.
    mutating func restart() {
        self = Upload(key: key, lease: lease, totalBytes: totalBytes)
    }
}

/// An update whose bytes are here, to be made durable.
package enum ReceivedUpdate {
    /// In one message.
    case whole(ContentHash, [UInt8])
    /// In a file of its own.
    case uploaded(UploadKey)

    var object: ContentHash {
        switch self {
        case .whole(let object, _): object
        case .uploaded(let key): key.object
        }
    }
}
