import Federation
import Recipe

/// Reads a run file's tree, then the overrides, against the schema, and collects every problem on the way.
struct SettingsReader {
    private struct Setting {
        let value: SettingValue
        let location: String
    }

    private let name: String
    private var settings: [String: Setting] = [:]
    /// Keys that were given but could not be read: nothing is concluded from them.
    private var broken: Set<String> = []
    private var problems: [(line: Int, problem: RunFileError.Problem)] = []

    /// - Parameter name: What to call the file.
    init(name: String) {
        self.name = name
    }

    // MARK: The file

    /// Reads a file with sections.
    mutating func read(sections root: YAMLNode) {
        guard case .map(let pairs) = root.content else {
            return report(
                "must be a mapping of sections such as `model:` and `federation:`, not \(root.shown)", at: root)
        }
        for (key, value) in pairs {
            guard let word = word(key) else { continue }
            if RunSchema.isSection(word) {
                read(section: word, value)
            } else if let known = RunSchema.key(word) {
                read(value, as: known, at: key)
            } else {
                report(unknown(word, in: nil), at: key)
            }
        }
    }

    /// Reads a flat mapping of whole key paths: the canonical form.
    mutating func read(flat root: YAMLNode) {
        guard case .map(let pairs) = root.content else {
            broken = Set(RunSchema.keys.map(\.path))
            return report("must be a mapping of key paths, not \(root.shown)", at: root)
        }
        for (key, value) in pairs {
            guard let word = word(key) else { continue }
            guard let known = RunSchema.key(word) else {
                report(unknown(path: word), at: key)
                continue
            }
            read(value, as: known, at: key)
        }
    }

    private mutating func read(section: String, _ node: YAMLNode) {
        if node.isEmpty { return }
        guard case .map(let pairs) = node.content else {
            for key in RunSchema.keys where key.section == section { broken.insert(key.path) }
            return report("'\(section)' must be a mapping of its keys, not \(node.shown)", at: node)
        }
        for (key, value) in pairs {
            guard let word = word(key) else { continue }
            if let known = RunSchema.key("\(section).\(word)") {
                read(value, as: known, at: key)
            } else {
                report(unknown(word, in: section), at: key)
            }
        }
    }

    private mutating func read(_ node: YAMLNode, as key: SchemaKey, at keyNode: YAMLNode) {
        guard let value = key.kind.read(node) else {
            broken.insert(key.path)
            return report(mismatch(key, node), at: keyNode)
        }
        settings[key.path] = Setting(value: value, location: location(keyNode))
    }

    private mutating func word(_ key: YAMLNode) -> String? {
        if case .scalar(let text, _) = key.content { return text }
        report("a key must be a word, not \(key.shown)", at: key)
        return nil
    }

    // MARK: Overrides

    /// Reads `key.path=VALUE`.
    mutating func read(override text: String) {
        let location = "--set \(YAMLNode.shorten(text))"
        let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, !sides[0].isEmpty else {
            return report("must be written key.path=VALUE", location: location)
        }
        let path = String(sides[0])
        guard let key = RunSchema.key(path) else { return report(unknown(path: path), location: location) }
        let value = String(sides[1])
        let isQuoted = value.hasPrefix("\"") || value.hasPrefix("'")
        let node: YAMLNode
        if value.isEmpty || key.kind.isText && !isQuoted {
            // A path may hold what YAML reads as a comment or a mapping.
            node = YAMLNode(line: nil, content: .scalar(value, isPlain: true))
        } else {
            do {
                node = try YAMLDocument.parse(value, name: location)
            } catch {
                broken.insert(path)
                return error.problems.forEach { report($0.message, location: location) }
            }
        }
        guard let setting = key.kind.read(node) else {
            broken.insert(path)
            return report(mismatch(key, node), location: location)
        }
        settings[path] = Setting(value: setting, location: location)
    }

    // MARK: The result

    /// The configuration, complete with defaults.
    ///
    /// - Parameter wasAccepted: Whether an earlier release has found no contradiction between its keys: what this one refuses
    ///   besides is no problem then.
    /// - Throws: Every problem found, constraints between keys included.
    mutating func configuration(wasAccepted: Bool = false) throws(RunFileError) -> RunConfiguration {
        var run = RunConfiguration.blank
        var underived: [SchemaKey] = []
        for key in RunSchema.keys {
            if let setting = settings[key.path] {
                key.write(&run, setting.value)
                continue
            }
            switch key.fallback {
            case .required where !broken.contains(key.path):
                broken.insert(key.path)
                let place = key.section.map { "`\(key.name):` under `\($0):`" } ?? "`\(key.name):`"
                report("'\(key.path)' is missing; add \(place) (\(key.summary))", location: name)
            case .value(let value): key.write(&run, value)
            case .derived: underived.append(key)
            case .required, .absent: break
            }
        }
        for key in underived {
            guard case .derived(_, let compute) = key.fallback, let value = compute(run) else { continue }
            key.write(&run, value)
        }
        run.adapter.rank = run.ranks.workerRanks.largest
        run.training.totalSteps = run.federation.rounds * run.training.localSteps
        run.training.classNames = run.data.labels
        run.places = KeyPlaces(file: name, locations: settings.mapValues(\.location))
        if !wasAccepted { checkConstraints(of: run) }
        guard problems.isEmpty else {
            // Sorting is stable: problems without a line keep their order behind those with one.
            throw RunFileError(problems.sorted { $0.line < $1.line }.map(\.problem))
        }
        return run
    }

    private mutating func checkConstraints(of run: RunConfiguration) {
        for (place, constraint) in Constraint.all.enumerated() where broken.isDisjoint(with: constraint.keys) {
            guard let problem = constraint.problem(run) else { continue }
            report(problem, location: run.places.location(of: constraint.keys), constraint: place)
        }
    }

    // MARK: Words

    private func mismatch(_ key: SchemaKey, _ node: YAMLNode) -> String {
        if node.isEmpty { return "'\(key.path)' has no value; it must be \(key.kind.expectation)" }
        if let fault = key.kind.fault(in: node) { return "'\(key.path)' cannot be \(node.shown): \(fault)" }
        return "'\(key.path)' must be \(key.kind.expectation), not \(node.shown)"
    }

    private func unknown(_ word: String, in section: String?) -> String {
        let shown = YAMLNode.shorten(word)
        let place = section.map { " in '\($0)'" } ?? ""
        let siblings =
            RunSchema.keys.filter { $0.section == section }.map(\.name)
            + (section == nil ? RunSchema.sections.map(\.name) : [])
        if siblings.isEmpty { return "unknown key '\(shown)'\(place): the section has no settings in this release" }
        if let sibling = Suggestion.nearest(to: word, among: siblings) {
            return "unknown key '\(shown)'\(place); did you mean '\(sibling)'?"
        }
        if let elsewhere = RunSchema.keys.first(where: { $0.name == word }) {
            return "unknown key '\(shown)'\(place); did you mean '\(elsewhere.path)'?"
        }
        return "unknown key '\(shown)'\(place); known: \(siblings.sorted().joined(separator: ", "))"
    }

    private func unknown(path: String) -> String {
        let shown = YAMLNode.shorten(path)
        if RunSchema.isSection(path) { return "'\(shown)' is a section; set one of its keys" }
        let known = RunSchema.keys.map(\.path)
        if let nearest = Suggestion.nearest(to: path, among: known)
            ?? RunSchema.keys.first(where: { $0.name == path })?.path
        {
            return "unknown key '\(shown)'; did you mean '\(nearest)'?"
        }
        return "unknown key '\(shown)'; `shoal config schema` lists all keys"
    }

    private func location(_ node: YAMLNode) -> String {
        node.line.map { "\(name):\($0)" } ?? name
    }

    private mutating func report(_ message: String, at node: YAMLNode) {
        problems.append((node.line ?? .max, RunFileError.Problem(location: location(node), message: message)))
    }

    private mutating func report(_ message: String, location: String, constraint: Int? = nil) {
        let suffix = location.hasPrefix("\(name):") ? Int(location.dropFirst(name.utf8.count + 1)) : nil
        let problem = RunFileError.Problem(location: location, message: message, constraint: constraint)
        problems.append((suffix ?? .max, problem))
    }
}
