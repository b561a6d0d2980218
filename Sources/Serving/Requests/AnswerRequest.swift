package import FineTuning
package import LanguageModel
internal import ModelFiles

/// Which of OpenAI's two interfaces a request came by.
package enum AnswerKind: Hashable, Sendable {
    /// `POST /v1/chat/completions`
    case chat
    /// `POST /v1/completions`
    case text
}

/// What a client asks for.
package struct AnswerRequest: Sendable {
    package enum Prompt: Hashable, Sendable {
        case messages([ChatMessage])
        case text(String)
        case tokens([Int32])
    }

    package let kind: AnswerKind
    package let model: String
    package let prompt: Prompt
    /// `nil`: what is usual.
    package let maxTokens: Int?
    package let sampling: Sampling
    /// `nil`: another one each time.
    package let seed: UInt64?
    package let stops: [String]
    package let streams: Bool
    /// Whether a stream ends with the token counts.
    package let includesUsage: Bool
    /// How many of the likeliest tokens to name beside each one; `nil`: no probabilities.
    package let alternatives: Int?
    /// As it came.
    let members: [String: JSONValue]

    /// As OpenAI's.
    package static let stopsMax = 4

    /// Reads a request's body; unknown fields are left out of account.
    package init(_ kind: AnswerKind, _ body: some Collection<UInt8>) throws(RequestProblem) {
        let reader = try RequestReader(body)
        self.kind = kind
        members = reader.members
        guard let model = try reader.string("model") else {
            throw .value("model", "name the model: GET /v1/models lists them", code: "missing_required_parameter")
        }
        self.model = model
        prompt = kind == .chat ? .messages(try reader.messages()) : try reader.textPrompt()
        let limits = ["max_completion_tokens", "max_tokens"]
        var maxTokens: Int?
        for name in kind == .chat ? limits : ["max_tokens"] where maxTokens == nil {
            maxTokens = try reader.integer(name, in: 1...Int(Int32.max))
        }
        self.maxTokens = maxTokens
        let temperature = Float(try reader.number("temperature", in: 0...2) ?? 1)
        let topP = Float(try reader.number("top_p", in: 0...1) ?? 1)
        // Nothing lies above the likeliest token.
        sampling = topP > 0 ? Sampling(temperature: temperature, topP: topP) : .greedy
        seed = try reader.integer("seed").map { UInt64(bitPattern: Int64($0)) }
        stops = try reader.stops()
        streams = try reader.boolean("stream") ?? false
        includesUsage = try reader.includesUsage()
        alternatives = try reader.alternatives(kind)
        try reader.refuseUnsupported(kind)
    }
}

extension RequestReader {
    fileprivate func stops() throws(RequestProblem) -> [String] {
        guard let value = self["stop"] else { return [] }
        let list: [JSONValue]
        switch value {
        case .string: list = [value]
        case .array(let values): list = values
        default: throw Self.wrongKind("stop", "a string or a list of strings", value)
        }
        guard list.count <= AnswerRequest.stopsMax else {
            throw .value("stop", "at most \(AnswerRequest.stopsMax) strings are taken, not \(list.count)")
        }
        var stops: [String] = []
        for (index, value) in list.enumerated() {
            guard case .string(let text) = value else { throw Self.wrongKind("stop[\(index)]", "a string", value) }
            guard !text.isEmpty else { throw .value("stop[\(index)]", "an empty string would end every answer") }
            stops.append(text)
        }
        return stops
    }

    fileprivate func includesUsage() throws(RequestProblem) -> Bool {
        guard let options = self["stream_options"] else { return false }
        guard case .object(let members) = options else { throw Self.wrongKind("stream_options", "an object", options) }
        switch members["include_usage"] {
        case nil, .null: return false
        case .boolean(let flag): return flag
        case .some(let value): throw Self.wrongKind("stream_options.include_usage", "true or false", value)
        }
    }

    fileprivate func alternatives(_ kind: AnswerKind) throws(RequestProblem) -> Int? {
        guard kind == .chat else { return try integer("logprobs", in: 0...5) }
        let count = try integer("top_logprobs", in: 0...20)
        guard try boolean("logprobs") ?? false else {
            guard count == nil || count == 0 else { throw .value("top_logprobs", "it needs logprobs: true") }
            return nil
        }
        return count ?? 0
    }

    fileprivate func refuseUnsupported(_ kind: AnswerKind) throws(RequestProblem) {
        let isNothing = { (value: JSONValue) in
            switch value {
            case .boolean(let flag): !flag
            case .integer(let number): number == 0
            case .array(let values): values.isEmpty
            case .object(let members): members.isEmpty
            default: false
            }
        }
        let isOne = { (value: JSONValue) in value == .integer(1) }
        try refuse("n", unless: isOne, "a request gets one answer (n: 1); ask again for another")
        for name in ["frequency_penalty", "presence_penalty", "logit_bias"] {
            try refuse(name, unless: isNothing, "it is not supported; leave it out")
        }
        if kind == .text {
            try refuse("best_of", unless: isOne, "a request gets one answer (best_of: 1)")
            try refuse("echo", unless: isNothing, "it is not supported; put the prompt before the answer yourself")
            try refuse("suffix", unless: { $0 == .string("") }, "text is continued, never filled in; leave it out")
            return
        }
        try refuse("tools", unless: isNothing, "tools are not supported; leave them out")
        try refuse("functions", unless: isNothing, "functions are not supported; leave them out")
        let isText = { (value: JSONValue) in value == .object(["type": .string("text")]) }
        try refuse("response_format", unless: isText, "answers are plain text; leave it out")
    }
}
