import Synchronization

/// A Hugging Face tokenizer, read from `tokenizer.json`, whose token ids are those of the Python library `tokenizers`.
///
/// It may be used from several threads at a time.
public final class Tokenizer: Sendable {
    private let normalizer: (any Normalizer)?
    private let preTokenization: PreTokenization
    private let model: any SubwordModel
    private let added: AddedVocabulary
    private let template: SpecialTokenTemplate
    private let decoder: (any TokenDecoder)?
    /// Taken out while a call encodes; a call that finds it gone starts with a fresh one.
    private let scratch = Mutex<EncodingScratch?>(nil)

    /// How many distinct tokens there are, added ones included. Ids may have gaps: this is no bound on them.
    public let vocabularySize: Int

    /// The length that the file's `truncation` names, which ``encode(_:addingSpecialTokens:maximumLength:)`` takes only
    /// when told; nil if it names none. Unit: tokens, special ones included.
    public let fileMaximumLength: Int?

    /// The id that fills up the shorter texts of a batch: that of the file's `padding`, or of the token `[PAD]` or
    /// `<pad>`; nil if there is none.
    public let paddingID: Int32?

    private static let paddingTokens = ["[PAD]", "<pad>"].map { Array($0.utf8) }

    /// How many special tokens the file's post-processor puts around a text.
    public var specialTokenCount: Int { template.count }

    /// The largest id that encoding can give; -1 if there are no tokens.
    public var largestID: Int32 { max(model.vocabulary.largestID, added.largestID ?? -1, template.largestID) }

    /// Reads `tokenizer.json` in a model directory.
    ///
    /// - Throws: `TokenizerError` if the file is missing, malformed or needs something that is not supported.
    public convenience init(directory: String) throws(TokenizerError) {
        let path = directory.hasSuffix("/") ? directory + "tokenizer.json" : directory + "/tokenizer.json"
        try self.init(json: try readFile(path), name: path)
    }

    /// Reads the bytes of a `tokenizer.json`.
    ///
    /// - Parameters:
    ///   - json: The whole file, UTF-8.
    ///   - name: What to call the file in errors.
    /// - Throws: `TokenizerError` if the file is malformed or needs something that is not supported.
    public init(json: [UInt8], name: String) throws(TokenizerError) {
        let document = JSONField(value: try JSONParser.parse(json, file: name), path: "", file: name)
        if let version = try document.optional("version"), try version.text() != "1.0" {
            throw version.unsupported(quoted(try version.bytes()), supported: "\"1.0\"")
        }
        let batches = try BatchSettings(document)
        var normalizer: (any Normalizer)?
        if let field = try document.optional("normalizer") {
            let read = try makeNormalizer(field)
            try field.checkGrowth(read.growth)
            normalizer = read
        }
        var preTokenization = PreTokenization()
        if let field = try document.optional("pre_tokenizer") { preTokenization = try PreTokenization(field) }
        if preTokenization.marksStartOnly, normalizer?.mayDropStart == true {
            throw try document.required("pre_tokenizer").unsupported(
                "prepend_scheme first after a normalizer that may drop the start of the text",
                supported: "prepend_scheme always or never there")
        }
        let model = try makeSubwordModel(
            try document.required("model"), isByteLevel: preTokenization.isByteLevel)
        var template = SpecialTokenTemplate()
        if let field = try document.optional("post_processor") { template = try SpecialTokenTemplate(field) }
        var decoder: (any TokenDecoder)?
        if let field = try document.optional("decoder") {
            let read = try makeTokenDecoder(field)
            try field.checkGrowth(read.growth)
            decoder = read
        }
        let added = try AddedVocabulary(
            try document.optional("added_tokens"), vocabulary: model.vocabulary, normalizer: normalizer)
        self.normalizer = normalizer
        self.preTokenization = preTokenization
        self.model = model
        self.template = template
        self.decoder = decoder
        self.added = added
        fileMaximumLength = batches.maximumLength
        paddingID =
            batches.paddingID
            ?? Self.paddingTokens.lazy.compactMap { added.id(of: $0) ?? model.vocabulary.id(of: $0) }.first
        vocabularySize = model.vocabulary.count + added.contents.count { model.vocabulary.id(of: $0) == nil }
    }

    /// Turns text into token ids.
    ///
    /// Added tokens, special ones included, are recognised inside the text, as `tokenizers` does by default.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - addSpecialTokens: Whether to put the special tokens of the file's post-processor around it.
    public func encode(_ text: String, addSpecialTokens: Bool = false) -> [Int32] {
        var work = scratch.withLock { $0.take() } ?? EncodingScratch()
        let bytes = Array(text.utf8)
        var tokens: [Int32] = addSpecialTokens ? template.prefix : []
        tokens.reserveCapacity(bytes.count / 3)
        for section in added.raw.sections(of: bytes) {
            if let token = section.token {
                tokens.append(token.id)
            } else {
                let startsInput = section.range.lowerBound == 0
                encode(Array(bytes[section.range]), startsInput: startsInput, into: &tokens, &work)
            }
        }
        if addSpecialTokens { tokens += template.suffix }
        scratch.withLock { $0 = work }
        return tokens
    }

    /// Turns text into token ids, at most so many of them; what is left out is the end of the text.
    ///
    /// The ids' token types, for models that have them, are all 0.
    ///
    /// - Parameters:
    ///   - text: Any text.
    ///   - addingSpecialTokens: Whether to put the special tokens of the file's post-processor around it. They are never
    ///     left out: of the text, `maximumLength - specialTokenCount` tokens stay, or none.
    ///   - maximumLength: Unit: tokens, special ones included; nil for no limit. The file's own limit plays no part.
    public func encode(_ text: String, addingSpecialTokens: Bool, maximumLength: Int?) -> [Int32] {
        let tokens = encode(text, addSpecialTokens: false)
        let prefix = addingSpecialTokens ? template.prefix : []
        let suffix = addingSpecialTokens ? template.suffix : []
        let room = maximumLength.map { max(0, $0 - prefix.count - suffix.count) } ?? tokens.count
        return prefix + tokens.prefix(room) + suffix
    }

    /// Encodes text that holds no added tokens of the raw kind.
    private func encode(
        _ text: [UInt8], startsInput: Bool, into tokens: inout [Int32], _ work: inout EncodingScratch
    ) {
        var text = text
        normalizer?.normalize(&text)
        for section in added.normalized.sections(of: text) {
            if let token = section.token {
                tokens.append(token.id)
                continue
            }
            let isWhole = section.range.count == text.count
            var pieces = PieceList(
                isWhole ? text : Array(text[section.range]),
                startsInput: startsInput && section.range.lowerBound == 0)
            preTokenization.apply(to: &pieces)
            model.encode(pieces, into: &tokens, scratch: &work)
        }
    }

    /// Turns token ids back into text.
    ///
    /// - Parameters:
    ///   - tokens: Token ids; ones that no token has are left out.
    ///   - skipSpecialTokens: Whether special tokens are left out too.
    public func decode(_ tokens: [Int32], skipSpecialTokens: Bool = true) -> String {
        var texts: [[UInt8]] = []
        texts.reserveCapacity(tokens.count)
        for id in tokens {
            guard let text = text(of: id), !(skipSpecialTokens && added.isSpecial(id)) else { continue }
            texts.append(text)
        }
        guard let decoder else {
            return String(decoding: Array(texts.joined(separator: CollectionOfOne(UInt8(ascii: " ")))), as: UTF8.self)
        }
        return String(decoding: Array(decoder.decode(texts).joined()), as: UTF8.self)
    }

    private func text(of id: Int32) -> [UInt8]? { added.text(of: id) ?? model.vocabulary.text(of: id) }

    /// The token with this id as the vocabulary writes it, or nil. An added token that is looked for in normalized text
    /// comes in its normalized form.
    public func token(_ id: Int32) -> String? {
        text(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The id of the token that the vocabulary writes exactly so, byte by byte, or nil.
    public func id(of token: String) -> Int32? {
        let text = Array(token.utf8)
        return added.id(of: text) ?? model.vocabulary.id(of: text)
    }
}
