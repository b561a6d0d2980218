/// A YAML value with its place, aliases resolved: all that reading a run file needs.
struct YAMLNode {
    enum Content {
        /// `isPlain`: without quotes, so that it may stand for a number.
        case scalar(String, isPlain: Bool)
        case list([YAMLNode])
        case map([(key: YAMLNode, value: YAMLNode)])
    }

    let line: Int?
    let content: Content

    /// Nothing after the colon, `~` or `null`.
    var isEmpty: Bool {
        if case .scalar(let text, isPlain: true) = content { return ["", "~", "null", "Null", "NULL"].contains(text) }
        return false
    }

    /// The value in a message: short, and without control characters.
    var shown: String {
        switch content {
        case .scalar("", _): "empty"
        case .scalar(let text, isPlain: true): Self.shorten(text)
        case .scalar(let text, isPlain: false): "the text '\(Self.shorten(text))'"
        case .list: "a list"
        case .map: "a mapping"
        }
    }

    static func shorten(_ text: String) -> String {
        let safe = text.unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control ? " " : String($0) }
        return safe.joined() + (text.unicodeScalars.count > 60 ? "…" : "")
    }
}
