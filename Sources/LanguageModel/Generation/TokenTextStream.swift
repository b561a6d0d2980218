/// Turns tokens into text one after another: each piece is given out once no later token can change it.
///
/// A character may take several tokens, and a tokenizer may treat a text's first token differently; so each token is
/// decoded together with those before it.
public struct TokenTextStream: Sendable {
    private let tokenizer: Tokenizer
    /// The latest tokens.
    private var window: [Int32]
    /// What `window` decodes to and was given out. In UTF-8.
    private var given: [UInt8]

    /// Tokens that are decoded again with a new one, so that a long text does not take time in the square of its length.
    private static let windowMax = 128
    /// What decoders write for bytes that are no character, or not yet a whole one: U+FFFD.
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// - Parameter prompt: Tokens whose text is known: it is not given out.
    public init(_ tokenizer: Tokenizer, after prompt: [Int32]) {
        self.tokenizer = tokenizer
        window = prompt
        given = Array(tokenizer.decode(prompt).utf8)
    }

    /// - Returns: The text that has become certain.
    public mutating func append(_ token: Int32) -> String {
        window.append(token)
        var text = Array(tokenizer.decode(window).utf8)
        while text.count > given.count, text.suffix(3).elementsEqual(Self.replacement) { text.removeLast(3) }
        guard text.count > given.count, text.starts(with: given) else { return "" }
        let piece = String(decoding: text[given.count...], as: UTF8.self)
        given = text
        shorten()
        return piece
    }

    /// - Returns: What waited for more tokens, where there are none.
    public mutating func finish() -> String {
        let text = Array(tokenizer.decode(window).utf8)
        let known = zip(text, given).prefix { $0 == $1 }.count
        given = text
        return String(decoding: text[known...], as: UTF8.self)
    }

    /// Drops the oldest tokens where the others decode to the same without them.
    private mutating func shorten() {
        guard window.count > Self.windowMax else { return }
        let rest = Array(window.suffix(Self.windowMax / 2))
        let text = Array(tokenizer.decode(rest).utf8)
        guard text.count <= given.count, given.suffix(text.count).elementsEqual(text) else { return }
        window = rest
        given = text
    }
}
