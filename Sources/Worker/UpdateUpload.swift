import Federation
import Wire

/// One update on its way up as a pure state machine: a bounded window of chunks behind what the coordinator says it
/// holds, and a new beginning whenever nothing moves.
struct UpdateUpload {
    enum Step: Hashable {
        case begin
        case chunk(Range<Int>)
        case commit
    }

    let totalBytes: Int
    private let chunkBytes: Int
    private let windowBytes: Int
    /// Asked first, and again after every reconnect: where to go on.
    private(set) var hasBegun = false
    private(set) var acknowledgedBytes = 0
    private var sentBytes = 0
    private var isCommitSent = false
    private var isBeginSent = false

    init(totalBytes: Int, chunkBytes: Int, windowChunks: Int) {
        self.totalBytes = totalBytes
        self.chunkBytes = chunkBytes
        windowBytes = chunkBytes * windowChunks
    }

    /// What to send now; empty while an answer is awaited.
    mutating func next() -> [Step] {
        guard hasBegun else {
            if isBeginSent { return [] }
            isBeginSent = true
            return [.begin]
        }
        var steps: [Step] = []
        while sentBytes < totalBytes, sentBytes - acknowledgedBytes < windowBytes {
            let end = min(totalBytes, sentBytes + chunkBytes)
            steps.append(.chunk(sentBytes..<end))
            sentBytes = end
        }
        if acknowledgedBytes == totalBytes, !isCommitSent {
            isCommitSent = true
            steps.append(.commit)
        }
        return steps
    }

    /// - Parameter isAnswerToChunk: A chunk's answer may lag behind what was sent since; any other says where to go on.
    /// - Returns: Whether this moved the upload forward.
    mutating func received(through offset: UInt64, isAnswerToChunk: Bool) -> Bool {
        guard let offset = Int(exactly: offset), offset <= totalBytes else { return false }
        if isAnswerToChunk {
            guard hasBegun, offset > acknowledgedBytes else { return false }
            acknowledgedBytes = offset
            sentBytes = max(sentBytes, offset)
            return true
        }
        hasBegun = true
        isBeginSent = false
        isCommitSent = false
        acknowledgedBytes = offset
        sentBytes = offset
        return true
    }

    /// Nothing came back in time, or the connection is another one. A lost commit's answer is asked for by another
    /// commit; anything else by another begin.
    mutating func restart(isNewSession: Bool) {
        if !isNewSession, hasBegun, isCommitSent {
            isCommitSent = false
        } else {
            hasBegun = false
            isBeginSent = false
            isCommitSent = false
        }
    }
}
