/// Remembers the tokens of short words.
///
/// An open-addressing table with a short probe: a word that finds no place is simply not remembered, so neither a long
/// text nor one made to collide costs more than the work it saves.
struct WordCache {
    private struct Entry {
        var hash: UInt64 = 0
        var keyStart: UInt32 = 0
        var tokenStart: UInt32 = 0
        /// 0 marks a free entry.
        var keyCount: UInt16 = 0
        var tokenCount: UInt16 = 0
    }

    /// Longer words seldom come back. Unit: bytes.
    static let longestWord = 64
    private static let capacity = 1 << 16
    private static let longestProbe = 8

    private var entries: [Entry] = []
    private var keys: [UInt8] = []
    private var tokens: [Int32] = []

    /// Appends the tokens of `word` to `result` if they are known.
    @inline(__always)
    func append(_ word: Range<Int>, of bytes: Span<UInt8>, hash: UInt64, to result: inout [Int32]) -> Bool {
        guard !entries.isEmpty else { return false }
        var slot = Int(truncatingIfNeeded: hash) & (Self.capacity - 1)
        for _ in 0..<Self.longestProbe {
            let entry = entries[slot]
            if entry.keyCount == 0 { return false }
            if entry.hash == hash && Int(entry.keyCount) == word.count && isKey(entry, word, of: bytes) {
                let start = Int(entry.tokenStart)
                for index in start..<start + Int(entry.tokenCount) { result.append(tokens[index]) }
                return true
            }
            slot = (slot + 1) & (Self.capacity - 1)
        }
        return false
    }

    /// Appends the tokens of `word` to `result`: those known, or those that `encode` appends, which are then known.
    @inline(__always)
    mutating func append(
        _ word: Range<Int>, of bytes: Span<UInt8>, to result: inout [Int32], encode: (inout [Int32]) -> Void
    ) {
        guard word.count <= Self.longestWord else {
            encode(&result)
            return
        }
        let hash = Self.hash(word, of: bytes)
        if append(word, of: bytes, hash: hash, to: &result) { return }
        let start = result.count
        encode(&result)
        insert(word, of: bytes, hash: hash, tokens: result[start...])
    }

    /// Remembers that `word`, which is not known yet, has these tokens.
    mutating func insert(_ word: Range<Int>, of bytes: Span<UInt8>, hash: UInt64, tokens wordTokens: ArraySlice<Int32>)
    {
        precondition(word.count <= Self.longestWord, "a word of \(word.count) bytes")
        if entries.isEmpty { entries = [Entry](repeating: Entry(), count: Self.capacity) }
        var slot = Int(truncatingIfNeeded: hash) & (Self.capacity - 1)
        for _ in 0..<Self.longestProbe {
            if entries[slot].keyCount == 0 {
                entries[slot] = Entry(
                    hash: hash, keyStart: UInt32(keys.count), tokenStart: UInt32(tokens.count),
                    keyCount: UInt16(word.count), tokenCount: UInt16(wordTokens.count))
                for position in word { keys.append(bytes[position]) }
                tokens.append(contentsOf: wordTokens)
                return
            }
            slot = (slot + 1) & (Self.capacity - 1)
        }
    }

    @inline(__always)
    private func isKey(_ entry: Entry, _ word: Range<Int>, of bytes: Span<UInt8>) -> Bool {
        let offset = Int(entry.keyStart) - word.lowerBound
        for position in word where keys[position + offset] != bytes[position] { return false }
        return true
    }

    /// A hash of the word's bytes, eight at a time.
    @inline(__always)
    static func hash(_ word: Range<Int>, of bytes: Span<UInt8>) -> UInt64 {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(word.count)
        var position = word.lowerBound
        while position < word.upperBound {
            var chunk: UInt64 = 0
            let end = min(position + 8, word.upperBound)
            while position < end {
                chunk = chunk << 8 | UInt64(bytes[position])
                position += 1
            }
            let product = (state ^ chunk).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
            state = product.high ^ product.low
        }
        return state ^ state >> 29
    }
}
