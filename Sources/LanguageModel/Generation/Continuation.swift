internal import Randomness

/// A text that a model continues step by step, so that several texts can take turns on one model.
///
/// What it draws does not depend on the turns of others. It holds the keys and values of its own tokens.
public struct Continuation: Sendable {
    public struct Settings: Sendable {
        /// The most tokens to add. Unit: tokens; at least 1.
        public var maxTokens: Int
        /// Strings before the first of which the text ends; none is empty.
        public var stops: [String]
        /// Each ends the text and is no part of it.
        public var endTokens: Set<Int32>
        public var sampling: Sampling
        /// Of the draws.
        public var seed: UInt64
        /// How many of the likeliest tokens are named beside each drawn one; `nil`: no probabilities.
        public var alternatives: Int?
        /// The most tokens of the prompt that one step reads, where the model allows that; `nil`: all. Unit: tokens.
        public var promptPart: Int?

        public init(
            maxTokens: Int, stops: [String] = [], endTokens: Set<Int32> = [], sampling: Sampling = .greedy,
            seed: UInt64 = 0, alternatives: Int? = nil, promptPart: Int? = nil
        ) {
            precondition(maxTokens >= 1 && promptPart ?? 1 >= 1, "\(maxTokens) tokens in parts of \(promptPart ?? 1)")
            self.maxTokens = maxTokens
            self.stops = stops
            self.endTokens = endTokens
            self.sampling = sampling
            self.seed = seed
            self.alternatives = alternatives
            self.promptPart = promptPart
        }
    }

    /// Why a text ended.
    public enum Ending: Hashable, Sendable {
        case endToken
        case stopString
        case maxTokens
        /// The model's position encoding covers no more.
        case positions
    }

    /// What one pass of the model brought.
    public struct Step: Sendable {
        /// What has become certain of the text; often empty.
        public var text = ""
        /// `nil` while the prompt is read in parts. The end token comes here, too.
        public var token: DrawnToken?
        /// Set in the last step.
        public var ending: Ending?
    }

    private let settings: Settings
    private var cache = KeyValueCache()
    /// Not yet read by the model.
    private var pending: [Int32]
    private var stream: TokenTextStream
    private var stops: StopStrings
    private var random: CounterRandom
    private var ending: Ending?
    /// Tokens of the text so far, without an end token.
    public private(set) var tokenCount = 0

    /// - Parameter prompt: At least one token, at most the model's ``CausalLanguageModel/maximumLength``.
    public init(of prompt: [Int32], tokenizer: Tokenizer, _ settings: Settings) {
        precondition(!prompt.isEmpty, "no token to continue from")
        self.settings = settings
        pending = prompt
        stream = TokenTextStream(tokenizer, after: prompt)
        stops = StopStrings(settings.stops)
        random = CounterRandom(key: settings.seed)
    }

    /// Reads a part of the prompt, or draws a token.
    ///
    /// - Parameter adapter: The same one in every step.
    /// - Precondition: The text has not ended.
    public mutating func advance(_ model: any CausalLanguageModel, adapter: LowRankAdapter?) -> Step {
        precondition(ending == nil, "a step after the end")
        let part = model.readsInParts ? min(settings.promptPart ?? pending.count, pending.count) : pending.count
        let logits = model.nextTokenLogits(after: Array(pending.prefix(part)), cache: &cache, adapter: adapter)
        pending.removeFirst(part)
        guard pending.isEmpty else { return Step() }
        let id = settings.sampling.token(logits, random: &random)
        var step = Step(token: DrawnToken(id, from: logits, alternatives: settings.alternatives))
        if settings.endTokens.contains(id) {
            ending = .endToken
        } else {
            tokenCount += 1
            step.text = stops.append(stream.append(id))
            pending = [id]
            if stops.isStopped {
                ending = .stopString
            } else if tokenCount == settings.maxTokens {
                ending = .maxTokens
            } else if cache.length == model.maximumLength {
                ending = .positions
            }
        }
        if ending != nil, !stops.isStopped {
            step.text += stops.append(stream.finish())
            step.text += stops.finish()
            if stops.isStopped { ending = .stopString }
        }
        step.ending = ending
        return step
    }
}
