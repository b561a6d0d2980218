/// A conversation as one text, with the parts that a model learns to write.
public struct RenderedChat: Hashable, Sendable {
    public private(set) var text = ""
    /// Each assistant turn's content with what ends the turn; UTF-8 offsets into `text`, ascending.
    public private(set) var targets: [Range<Int>] = []

    mutating func append(_ part: String) { text += part }

    mutating func append(target part: String) {
        let start = text.utf8.count
        text += part
        targets.append(start..<text.utf8.count)
    }
}

/// The texts of a model's special tokens that templates write.
public struct ChatSpecials: Hashable, Sendable {
    /// `bos_token`; empty if the model has none.
    public var begin: String
    /// `eos_token`; empty if the model has none.
    public var end: String

    public init(begin: String, end: String) {
        self.begin = begin
        self.end = end
    }
}
