/// Reads a policy file's tree against the table and collects every problem on the way.
struct PolicyReader {
    private let name: String
    private var policy = OwnerPolicy()
    /// Where each key stands.
    private var lines: [String: Int] = [:]
    private var problems: [(line: Int, problem: RunFileError.Problem)] = []

    /// - Parameter name: What to call the file.
    init(name: String) {
        self.name = name
    }

    /// - Throws: Every problem found, contradictions between keys included.
    mutating func policy(_ root: YAMLNode) throws(RunFileError) -> OwnerPolicy {
        read(root)
        checkTogether()
        guard problems.isEmpty else { throw RunFileError(problems.sorted { $0.line < $1.line }.map(\.problem)) }
        return policy
    }

    private mutating func read(_ root: YAMLNode) {
        guard case .map(let pairs) = root.content else {
            return report("must be a mapping of sections such as `training:` and `privacy:`, not \(root.shown)", root)
        }
        let sections = PolicyKey.sections.map(\.name)
        for (key, value) in pairs {
            guard let word = word(key) else { continue }
            guard sections.contains(word) else {
                report(unknown(word, in: nil, among: sections), key)
                continue
            }
            read(section: word, value)
        }
    }

    private mutating func read(section: String, _ node: YAMLNode) {
        if node.isEmpty { return }
        guard case .map(let pairs) = node.content else {
            return report("'\(section)' must be a mapping of its keys, not \(node.shown)", node)
        }
        for (keyNode, value) in pairs {
            guard let word = word(keyNode) else { continue }
            guard let key = PolicyKey.key("\(section).\(word)") else {
                let names = PolicyKey.all.filter { $0.section == section }.map(\.name)
                report(unknown(word, in: section, among: names), keyNode)
                continue
            }
            lines[key.path] = keyNode.line
            guard let setting = key.kind.read(value), key.write(&policy, setting) else {
                report(
                    value.isEmpty
                        ? "'\(key.path)' has no value; it must be \(key.expectation)"
                        : "'\(key.path)' must be \(key.expectation), not \(value.shown)", keyNode)
                continue
            }
        }
    }

    /// What no coordinator could satisfy, or what a person cannot have meant.
    private mutating func checkTogether() {
        guard problems.isEmpty else { return }
        func refuse(_ key: String, _ message: String) {
            let line = lines[key]
            problems.append(
                (
                    line ?? .max,
                    RunFileError.Problem(location: line.map { "\(name):\($0)" } ?? name, message: message)
                ))
        }
        if policy.epsilon != nil, policy.delta == nil {
            refuse("budget.epsilon", "'budget.epsilon' needs 'budget.delta', such as 1e-5; add it")
        }
        if policy.delta != nil, policy.epsilon == nil, policy.exampleEpsilon == nil {
            refuse("budget.delta", "'budget.delta' means nothing without 'budget.epsilon'; add it or remove this")
        }
        if policy.exampleEpsilon != nil {
            if policy.delta == nil {
                refuse("budget.example-epsilon", "'budget.example-epsilon' needs 'budget.delta', such as 1e-5; add it")
            }
            if !policy.required.contains(.exampleNoise) {
                refuse(
                    "budget.example-epsilon",
                    "'budget.example-epsilon' needs example-noise in 'privacy.require': training without noise has no "
                        + "finite epsilon; add it")
            }
        }
        if policy.minimumExampleNoiseMultiplier != nil, !policy.required.contains(.exampleNoise) {
            refuse(
                "privacy.minimum-example-noise-multiplier",
                "'privacy.minimum-example-noise-multiplier' needs example-noise in 'privacy.require'; add it")
        }
        if policy.minimumNoiseMultiplier != nil, !policy.required.contains(.localNoise) {
            refuse(
                "privacy.minimum-noise-multiplier",
                "'privacy.minimum-noise-multiplier' needs local-noise in 'privacy.require'; add it")
        }
        if policy.hidesUpdates {
            if lines["metrics.allow"] == nil { policy.metrics = [] }
            if !policy.metrics.isEmpty {
                refuse(
                    "metrics.allow",
                    "'metrics.allow' lets out exact figures of the text that noise or masks are to hide "
                        + "('privacy.require', 'budget'); remove it, or write none")
            }
        }
        if policy.minimumCohort != nil, !policy.required.contains(.masks) {
            refuse(
                "privacy.minimum-cohort",
                "'privacy.minimum-cohort' needs masks in 'privacy.require': without them the coordinator reads every "
                    + "update by itself; add it")
        }
    }

    // MARK: Words

    private mutating func word(_ key: YAMLNode) -> String? {
        if case .scalar(let text, _) = key.content { return text }
        report("a key must be a word, not \(key.shown)", key)
        return nil
    }

    private func unknown(_ word: String, in section: String?, among known: [String]) -> String {
        let shown = YAMLNode.shorten(word)
        let place = section.map { " in '\($0)'" } ?? ""
        if let nearest = Suggestion.nearest(to: word, among: known) {
            return "unknown key '\(shown)'\(place); did you mean '\(nearest)'?"
        }
        if let elsewhere = PolicyKey.all.first(where: { $0.name == word }) {
            return "unknown key '\(shown)'\(place); did you mean '\(elsewhere.path)'?"
        }
        return "unknown key '\(shown)'\(place); known: \(known.sorted().joined(separator: ", "))"
    }

    private mutating func report(_ message: String, _ node: YAMLNode) {
        let location = node.line.map { "\(name):\($0)" } ?? name
        problems.append((node.line ?? .max, RunFileError.Problem(location: location, message: message)))
    }
}
