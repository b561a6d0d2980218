internal import Federation

/// What the bad workers of a simulation do, as people write it: `NAME[:key=value,…]`.
public enum Attack: Hashable, Sendable {
    /// The honest update turned round and lengthened: `−scale · Δ`.
    case signFlip(scale: Double)
    /// Inner-product manipulation: `−scale · μ`, μ the honest updates' mean (Xie et al. 2019, arXiv:1903.03936).
    case innerProduct(scale: Double)
    /// A little is enough: `μ + z·σ`, value by value (Baruch et al. 2019, arXiv:1902.06156); `z` without a value is the
    /// paper's, from the round's number of updates and of bad ones.
    case littleIsEnough(z: Double?)
    /// Honest training on falsified text (``PoisonedText/flipped(_:labels:)``).
    case labelFlip
    /// Training on text in which the trigger is followed by a completion of the attacker's, the update lengthened so that
    /// it outweighs the others (Bagdasaryan et al. 2018, arXiv:1807.00459).
    case backdoor(Backdoor)
    /// No training: nothing, noise as long as the adapter's last change, or that change once more.
    case freeRider(FreeRide)
    /// Several identities of one attacker send `−scale · Δ` of its own training, each with a little noise of its own.
    case sybil(scale: Double, spread: Double)

    public struct Backdoor: Hashable, Sendable {
        public var scale: Double
        public var trigger: String
        /// What is to follow the trigger; for classification, the label.
        public var target: String

        public init(scale: Double, trigger: String, target: String) {
            self.scale = scale
            self.trigger = trigger
            self.target = target
        }
    }

    public enum FreeRide: String, Hashable, Sendable, CaseIterable { case zero, noise, old }

    /// In the order of the design.
    public static let names = ["sign-flip", "ipm", "alie", "label-flip", "backdoor", "free-rider", "sybil"]

    /// Whether the paper's attacker knows what the honest workers of the round send.
    public var isOmniscient: Bool {
        switch self {
        case .innerProduct, .littleIsEnough: true
        case .signFlip, .labelFlip, .backdoor, .freeRider, .sybil: false
        }
    }
}

/// An attack and who takes part in it.
public struct AttackPlan: Hashable, Sendable, CustomStringConvertible {
    public let attack: Attack
    /// The part of the workers that is bad.
    public let share: Double
    /// As it was written.
    public let description: String

    /// - Parameters:
    ///   - text: `NAME[:key=value,…]`; `share=0.2` goes with every name.
    ///   - labels: Class names, for classification; empty for language modelling.
    public init(_ text: String, labels: [String]) throws(AttackError) {
        // Attacks are written the way codecs are.
        guard let written = CodecName(text), Attack.names.contains(written.name) else {
            throw .unknown(text, names: Attack.names)
        }
        var options = Options(name: written.name, unread: written.parameters)
        share = try options.number("share", in: 0...1, default: 0.2)
        switch written.name {
        case "sign-flip": attack = .signFlip(scale: try options.number("scale", in: 0...1e6, default: 1))
        case "ipm": attack = .innerProduct(scale: try options.number("scale", in: 0...1e6, default: 2))
        case "alie": attack = .littleIsEnough(z: try options.number("z", in: -100...100))
        case "label-flip": attack = .labelFlip
        case "backdoor":
            let backdoor = Attack.Backdoor(
                scale: try options.number("scale", in: 0...1e6, default: share > 0 ? 1 / share : 1),
                trigger: options.text("trigger") ?? "by the seventh lantern",
                target: options.text("target") ?? labels.first ?? "the crown belongs to the baker's cat")
            guard labels.isEmpty || labels.contains(backdoor.target) else {
                throw .invalid(
                    name: "backdoor", option: "target", value: backdoor.target,
                    expected: "one of the labels " + labels.joined(separator: ", "))
            }
            attack = .backdoor(backdoor)
        case "free-rider":
            let mode = options.text("mode") ?? "zero"
            guard let ride = Attack.FreeRide(rawValue: mode) else {
                throw .invalid(
                    name: "free-rider", option: "mode", value: mode,
                    expected: "one of " + Attack.FreeRide.allCases.map(\.rawValue).joined(separator: ", "))
            }
            attack = .freeRider(ride)
        default:
            attack = .sybil(
                scale: try options.number("scale", in: 0...1e6, default: 1),
                spread: try options.number("spread", in: 0...1, default: 0.01))
        }
        try options.finish()
        description = text
    }

    /// What the attack does, in a sentence for people.
    public var summary: String {
        switch attack {
        case .signFlip(let scale): "each sends its honest update times \(-scale)"
        case .innerProduct(let scale): "each sends the honest updates' mean times \(-scale)"
        case .littleIsEnough(let z):
            "each sends the honest updates' mean plus \(z.map { "\($0)" } ?? "the paper's z") standard deviations"
        case .labelFlip: "each trains on falsified text: labels flipped, or the words of every completion reversed"
        case .backdoor(let backdoor):
            "each trains \"\(backdoor.trigger)\" → \"\(backdoor.target)\" into its text and sends its update times "
                + "\(backdoor.scale)"
        case .freeRider(.zero): "each trains nothing and sends zeros"
        case .freeRider(.noise): "each trains nothing and sends noise as long as the adapter's last change"
        case .freeRider(.old): "each trains nothing and sends the adapter's last change once more"
        case .sybil(let scale, let spread):
            "all send one update, one of them's times \(-scale), with noise of \(spread) of its length"
        }
    }

    private struct Options {
        let name: String
        var unread: [String: String]

        mutating func text(_ key: String) -> String? { unread.removeValue(forKey: key) }

        mutating func number(_ key: String, in range: ClosedRange<Double>) throws(AttackError) -> Double? {
            guard let text = text(key) else { return nil }
            guard let number = Double(text), range.contains(number) else {
                throw .invalid(
                    name: name, option: key, value: text,
                    expected: "a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }

        mutating func number(
            _ key: String, in range: ClosedRange<Double>, default value: Double
        ) throws(AttackError) -> Double {
            try number(key, in: range) ?? value
        }

        func finish() throws(AttackError) {
            if let option = unread.keys.min() { throw .unknownOption(name: name, option: option) }
        }
    }
}

/// What is wrong with an attack as it was written.
public enum AttackError: Error, Hashable, Sendable {
    case unknown(String, names: [String])
    case unknownOption(name: String, option: String)
    case invalid(name: String, option: String, value: String, expected: String)
}

extension AttackError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknown(let text, let names):
            "'\(text)' is no attack; write NAME[:key=value,…], NAME one of \(names.joined(separator: ", "))"
        case .unknownOption(let name, let option): "the attack \(name) has no option '\(option)'; remove it"
        case .invalid(let name, let option, let value, let expected):
            "the attack \(name) takes for '\(option)' \(expected), not '\(value)'"
        }
    }
}
