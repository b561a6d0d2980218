import Wire

/// An object in memory, cut into chunks once however many workers ask for it: the link refers to a chunk until it has
/// left, and copies nothing.
struct ServedObject {
    let totalBytes: Int
    private let chunks: [[UInt8]]

    init(_ bytes: [UInt8]) {
        totalBytes = bytes.count
        if bytes.count <= WireLimits.payloadBytes {
            chunks = [bytes]
        } else {
            chunks = stride(from: 0, to: bytes.count, by: WireLimits.payloadBytes).map { start in
                Array(bytes[start..<min(bytes.count, start + WireLimits.payloadBytes)])
            }
        }
    }

    /// - Parameter limit: The offset to end before, if the chunk does not end earlier.
    func part(from offset: Int, to limit: Int) -> [UInt8] {
        guard offset < totalBytes else { return [] }
        let chunk = chunks[offset / WireLimits.payloadBytes]
        let start = offset % WireLimits.payloadBytes
        let end = min(chunk.count, start + limit - offset)
        return start == 0 && end == chunk.count ? chunk : Array(chunk[start..<end])
    }
}
