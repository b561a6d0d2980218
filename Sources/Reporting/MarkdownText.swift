/// Markdown made of text of any origin.
enum MarkdownText {
    /// One line without Markdown or HTML in it.
    static func inline(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case "&": result += "&amp;"
            case "`", "*", "_", "[", "]", "\\", "|": result += "\\\(character)"
            case _ where character.isNewline: result += " "
            default: result.append(character)
            }
        }
        return result
    }

    /// One line in the font of programs.
    static func code(_ text: String) -> String {
        "`" + text.filter { $0 != "`" && $0 != "|" && !$0.isNewline } + "`"
    }

    /// - Parameters:
    ///   - columns: Headings; those that begin with `#` are of numbers.
    ///   - rows: Markdown, as many cells as columns.
    static func table(_ columns: [String], _ rows: [[String]]) -> String {
        let heads = columns.map { $0.hasPrefix("#") ? String($0.dropFirst()) : $0 }
        let lines = [heads, columns.map { $0.hasPrefix("#") ? "---:" : "---" }] + rows
        return lines.map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }
}
