/// Keeps tokens in memory up to a bound, four bytes each, and the rest in a temporary file.
///
/// One reading of a data file, whatever number of workers it groups, has one bound. Belongs to one thread.
package final class TokenSpill {
    package static let defaultMemoryBytesMax = 64 << 20

    private let memoryBytesMax: Int
    /// What the chunks kept so far hold in memory.
    package private(set) var memoryBytes = 0
    private var file: TokenFile?
    private var fileTokens = 0

    package init(memoryBytesMax: Int = defaultMemoryBytesMax) {
        self.memoryBytesMax = memoryBytesMax
    }

    func keep(_ tokens: [Int32]) throws(DataError) -> TokenChunk {
        let bytes = tokens.count * MemoryLayout<Int32>.size
        if file == nil, memoryBytes + bytes <= memoryBytesMax {
            memoryBytes += bytes
            return TokenChunk(memory: tokens)
        }
        let file: TokenFile
        if let opened = self.file { file = opened } else { file = try TokenFile() }
        self.file = file
        let range = fileTokens..<(fileTokens + tokens.count)
        try file.write(tokens, at: range.lowerBound)
        fileTokens = range.upperBound
        return TokenChunk(file: file, range)
    }
}

/// Tokens that were kept together.
struct TokenChunk: Sendable {
    private enum Storage: Sendable {
        case memory([Int32])
        case file(TokenFile, Range<Int>)
    }

    private let storage: Storage

    init(memory tokens: [Int32]) { storage = .memory(tokens) }
    init(file: TokenFile, _ range: Range<Int>) { storage = .file(file, range) }

    /// Unit: tokens.
    var count: Int {
        switch storage {
        case .memory(let tokens): tokens.count
        case .file(_, let range): range.count
        }
    }

    var memoryBytes: Int {
        if case .memory(let tokens) = storage { tokens.count * MemoryLayout<Int32>.size } else { 0 }
    }

    func append(_ range: Range<Int>, to tokens: inout [Int32]) {
        switch storage {
        case .memory(let held): tokens += held[range]
        case .file(let file, let place):
            tokens += file.read((place.lowerBound + range.lowerBound)..<(place.lowerBound + range.upperBound))
        }
    }
}
