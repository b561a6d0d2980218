/// A made-up secret that can be found again in a model that learned it by heart.
public struct Canary: Hashable, Codable, Sendable {
    /// `canary-0001`: the worker it is given to, where it is one of its own.
    public var name: String
    /// What anybody may know, up to where the secret begins.
    public var prompt: String
    /// The rest: what a model that has not seen it can only guess.
    public var secret: String
    /// How its coin fell: whether it is in the text that is trained on.
    public var isInserted: Bool

    public init(name: String, prompt: String, secret: String, isInserted: Bool) {
        self.name = name
        self.prompt = prompt
        self.secret = secret
        self.isInserted = isInserted
    }

    /// As it stands among the text that is trained on.
    public var text: String { prompt + secret }
}

/// Canaries with their coins, as `shoal audit canaries` keeps them: secret until the audit.
public struct CanarySet: Hashable, Codable, Sendable {
    /// What a canary is to the guarantee that is audited.
    public enum Unit: String, Hashable, Codable, Sendable, CaseIterable {
        /// A worker of its own, which holds nothing else: what worker-level differential privacy counts.
        case worker
        /// Rows among one worker's own text.
        case example
    }

    public var version = 1
    public var unit: Unit
    /// How often an inserted one stands in the text.
    public var repeats: Int
    public var canaries: [Canary]

    /// Digits of each secret number.
    static let digits = 12
    private static let subjects = [
        "locker", "parcel", "account", "vehicle", "archive", "garage", "permit", "ticket", "safe", "server", "licence",
        "meter",
    ]

    /// Makes canaries that nobody else makes, and tosses a fair coin for each.
    ///
    /// - Parameters:
    ///   - count: At least 2.
    ///   - random: Cryptographic, unless in a test: whoever knows the coins has nothing to guess.
    public init(count: Int, unit: Unit, repeats: Int, using random: inout some RandomNumberGenerator) {
        precondition(count >= 2 && repeats >= 1, "\(count) canaries, \(repeats) times")
        self.unit = unit
        self.repeats = repeats
        canaries = (1...count).map { number in
            let digits = (0..<Self.digits).map { _ in String(Int.random(in: 0...9, using: &random)) }
            let groups = stride(from: 0, to: Self.digits, by: 3).map { digits[$0..<$0 + 3].joined() }
            let subject = Self.subjects[Int.random(in: 0..<Self.subjects.count, using: &random)]
            return Canary(
                name: "canary-" + String(String(10_000 + number).suffix(number < 10_000 ? 4 : 5)),
                prompt: "The secret number of the \(subject) is", secret: " \(groups.joined(separator: " ")).",
                isInserted: Bool.random(using: &random))
        }
    }

    public var inserted: [Canary] { canaries.filter(\.isInserted) }
    public var leftOut: [Canary] { canaries.filter { !$0.isInserted } }
}
