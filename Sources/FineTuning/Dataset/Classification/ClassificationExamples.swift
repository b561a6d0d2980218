public import LanguageModel

/// Labelled texts as tokens, for sequence classification.
public struct ClassificationExamples: Sendable {
    private struct Place: Sendable {
        let chunk: Int32
        let start: Int32
        let count: Int32
        let label: Int32
    }

    /// Names in class order.
    public let labels: [String]
    private let places: [Place]
    private let chunks: [TokenChunk]

    public var count: Int { places.count }

    /// Tokenises the rows of one split, in file order.
    ///
    /// - Parameters:
    ///   - split: Of one split, or (`nil`) of both.
    ///   - labels: Names in class order; empty takes the labels that occur, sorted by their UTF-8 bytes.
    ///   - maximumLength: Longer examples are cut by `encode`. Unit: tokens.
    ///   - encode: A text's tokens with the model's special ones, at most as many as its second argument says.
    /// - Throws: ``DataError`` naming the row that has no label, an unknown one, no text or no tokens.
    public init(
        _ source: DataSource, split: DataRow.Split? = nil, labels: [String] = [], maximumLength: Int,
        encode: (_ text: String, _ maximumLength: Int) -> [Int32]
    ) throws(DataError) {
        try self.init(
            source, split: split, labels: labels, maximumLength: maximumLength, spill: TokenSpill(), encode: encode)
    }

    package init(
        _ source: DataSource, split: DataRow.Split?, labels: [String], maximumLength: Int, spill: TokenSpill,
        encode: (_ text: String, _ maximumLength: Int) -> [Int32]
    ) throws(DataError) {
        var classes = ClassNumbers(labels)
        var places: [Place] = []
        var chunks: [TokenChunk] = []
        var open: [Int32] = []
        try source.forEachRow { (located) throws(DataError) in
            guard split == nil || located.row.split == split else { return }
            let (text, label) = try Self.textAndLabel(located)
            guard let number = classes.number(of: label) else {
                throw .unknownLabel(located.place, label: label, labels: labels)
            }
            let tokens = encode(text, maximumLength)
            precondition(tokens.count <= maximumLength, "\(tokens.count) tokens, at most \(maximumLength) asked for")
            guard !tokens.isEmpty else {
                throw .malformed(located.place, reason: "the text is empty; give a text or remove the row")
            }
            if open.count + tokens.count > BlockPacker.chunkTokens, !open.isEmpty {
                chunks.append(try spill.keep(open))
                open = []
            }
            places.append(
                Place(
                    chunk: Int32(chunks.count), start: Int32(open.count), count: Int32(tokens.count), label: number))
            open += tokens
        }
        if !open.isEmpty { chunks.append(try spill.keep(open)) }
        let order = classes.order
        self.labels = order.names
        self.places = places.map {
            Place(chunk: $0.chunk, start: $0.start, count: $0.count, label: order.numbers[Int($0.label)])
        }
        self.chunks = chunks
    }

    private static func textAndLabel(_ located: LocatedRow) throws(DataError) -> (String, String) {
        guard case .text(let text) = located.row.content, located.isStart, located.isEnd else {
            throw .malformed(located.place, reason: "a row for classification is {\"text\",\"label\"}")
        }
        guard let label = located.row.label else {
            throw .malformed(located.place, reason: "the row has no \"label\"; add it, or set task to causal-lm")
        }
        return (text, label)
    }

    /// One example: its tokens and class number.
    public subscript(example: Int) -> (tokens: [Int32], label: Int32) {
        let place = places[example]
        var tokens: [Int32] = []
        tokens.reserveCapacity(Int(place.count))
        chunks[Int(place.chunk)].append(Int(place.start)..<Int(place.start + place.count), to: &tokens)
        return (tokens, place.label)
    }

    /// How many tokens an example has.
    public func length(of example: Int) -> Int { Int(places[example].count) }

    /// The numbers of each class's examples, `[labels]`.
    public var byClass: [[Int]] {
        var numbers = [[Int]](repeating: [], count: labels.count)
        for (example, place) in places.enumerated() { numbers[Int(place.label)].append(example) }
        return numbers
    }

    /// The examples of those numbers, in that order; a number may stand more than once.
    ///
    /// - Parameter leftOut: Classes that take no part in the loss.
    public func batch(_ examples: some Collection<Int>, leavingOut leftOut: [Int] = []) -> ClassificationBatch {
        ClassificationBatch(examples.map { self[$0] }, leavingOut: leftOut)
    }
}

/// Class numbers of label names, given or found.
private struct ClassNumbers {
    private let isGiven: Bool
    private var names: [String]
    private var numbers: [String: Int32]

    init(_ names: [String]) {
        isGiven = !names.isEmpty
        self.names = names
        numbers = Dictionary(names.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    }

    /// A number for now, which ``order`` replaces; `nil` if the name is not among those given.
    mutating func number(of name: String) -> Int32? {
        if let number = numbers[name] { return number }
        guard !isGiven else { return nil }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }

    /// The final names, and the final number by the one for now.
    var order: (names: [String], numbers: [Int32]) {
        guard !isGiven else { return (names, names.indices.map { Int32($0) }) }
        let sorted = names.indices.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
        var numbers = [Int32](repeating: 0, count: names.count)
        for (place, index) in sorted.enumerated() { numbers[index] = Int32(place) }
        return (sorted.map { names[$0] }, numbers)
    }
}
