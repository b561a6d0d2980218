internal import LanguageModel
internal import ModelFiles

/// A drawn token with its text, for clients that ask for probabilities.
struct NamedToken: Hashable, Sendable {
    struct Candidate: Hashable, Sendable {
        let text: String
        /// Unit: nats.
        let logProbability: Double
    }

    let drawn: Candidate
    let alternatives: [Candidate]
    /// Where it begins in the answer's text. Unit: Unicode scalars.
    let offset: Int

    init(_ token: DrawnToken, _ tokenizer: Tokenizer, offset: Int) {
        self.offset = offset
        drawn = Candidate(
            text: Self.text(of: token.id, tokenizer), logProbability: Self.writable(token.logProbability ?? 0))
        alternatives = token.alternatives.map {
            Candidate(text: Self.text(of: $0.id, tokenizer), logProbability: Self.writable($0.logProbability))
        }
    }

    /// As it stands within a text: decoders drop a space at the beginning.
    private static func text(of id: Int32, _ tokenizer: Tokenizer) -> String {
        let once = Array(tokenizer.decode([id], skipSpecialTokens: false).utf8)
        let twice = Array(tokenizer.decode([id, id], skipSpecialTokens: false).utf8)
        return String(decoding: twice.starts(with: once) ? twice[once.count...] : once[...], as: UTF8.self)
    }

    /// JSON has no infinity; OpenAI writes this number for what is as good as impossible.
    private static func writable(_ logProbability: Double) -> Double { max(logProbability, -9999) }

    /// `logprobs` of a chat.
    static func chat(_ tokens: [NamedToken]) -> JSONValue {
        func entry(_ candidate: Candidate) -> [String: JSONValue] {
            [
                "token": .string(candidate.text), "logprob": .number(candidate.logProbability),
                "bytes": .array(candidate.text.utf8.map { .integer(Int($0)) }),
            ]
        }
        let content = tokens.map { token in
            var members = entry(token.drawn)
            members["top_logprobs"] = .array(token.alternatives.map { .object(entry($0)) })
            return JSONValue.object(members)
        }
        return .object(["content": .array(content), "refusal": .null])
    }

    /// `logprobs` of a continued text.
    static func text(_ tokens: [NamedToken]) -> JSONValue {
        .object([
            "tokens": .array(tokens.map { .string($0.drawn.text) }),
            "token_logprobs": .array(tokens.map { .number($0.drawn.logProbability) }),
            "top_logprobs": .array(
                tokens.map { token in
                    .object(
                        Dictionary(
                            token.alternatives.map { ($0.text, .number($0.logProbability)) },
                            uniquingKeysWith: { first, _ in first }))
                }),
            "text_offset": .array(tokens.map { .integer($0.offset) }),
        ])
    }
}
