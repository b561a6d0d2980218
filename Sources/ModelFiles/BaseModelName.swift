/// What a base model is called outside this machine: never a path of it.
public enum BaseModelName {
    /// By what is surest: the repository that the Hugging Face Hub's cache names in its folders, the repository
    /// (`owner/name`) that the model's own `config.json` names, or the name of its folder.
    ///
    /// - Parameters:
    ///   - folder: The model's; absolute, or else a name by itself.
    ///   - configured: `_name_or_path` of its `config.json`; `nil`: there is none.
    public static func forOthers(folder: String, configured: String?) -> String {
        var parts: [Substring] = []
        for part in folder.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        if let cached = parts.last(where: { $0.hasPrefix("models--") }) {
            let name = String(cached.dropFirst("models--".count)).replacing("--", with: "/")
            if !name.isEmpty { return name }
        }
        if let configured, isRepository(configured) { return configured }
        return parts.last.map(String.init) ?? "unknown"
    }

    private static func isRepository(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                guard let first = part.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "~") else {
                    return false
                }
                return part.unicodeScalars.allSatisfy {
                    $0.isASCII
                        && ($0.properties.isAlphabetic || $0.properties.numericType != nil
                            || "-_.".contains(Character($0)))
                }
            }
    }
}
