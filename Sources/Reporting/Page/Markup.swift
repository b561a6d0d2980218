/// HTML that is built from parts; text from a run is escaped where it enters.
struct Markup {
    private(set) var text = ""

    init() {}

    /// Markup as it stands, of this module's own making.
    init(raw: String) { text = raw }

    /// Text of any origin.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Control characters are no characters of HTML.
            case _ where character.value < 32 && character != "\n" && character != "\t": result += "\u{FFFD}"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    static func + (left: Markup, right: Markup) -> Markup { Markup(raw: left.text + right.text) }

    static func += (left: inout Markup, right: Markup) { left.text += right.text }

    /// An element around parts.
    ///
    /// - Parameter attributes: Values of any origin.
    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String>, _ content: Markup
    ) -> Markup {
        let own = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
        return Markup(raw: "<\(name)\(own)>\(content.text)</\(name)>")
    }

    static func element(_ name: String, _ content: Markup) -> Markup { element(name, [:], content) }

    /// An element around text of any origin.
    static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String> = [:], text: String
    ) -> Markup {
        element(name, attributes, Markup(raw: escaped(text)))
    }

    /// A table with a caption for those who do not see the page; numbers to the right.
    ///
    /// - Parameters:
    ///   - columns: Headings; those that begin with `#` are of numbers.
    ///   - rows: As many cells as columns; the first one names the row.
    static func table(_ caption: String, _ columns: [String], _ rows: [[String]]) -> Markup {
        let isNumber = columns.map { $0.hasPrefix("#") }
        var head = Markup()
        for column in columns {
            let attributes: KeyValuePairs =
                column.hasPrefix("#") ? ["scope": "col", "class": "number"] : ["scope": "col"]
            head += element("th", attributes, text: column.hasPrefix("#") ? String(column.dropFirst()) : column)
        }
        var body = Markup()
        for row in rows {
            var cells = Markup()
            for (index, cell) in row.enumerated() {
                let name = index == 0 ? "th" : "td"
                switch (index == 0, isNumber[index]) {
                case (true, true): cells += element(name, ["scope": "row", "class": "number"], text: cell)
                case (true, false): cells += element(name, ["scope": "row"], text: cell)
                case (false, true): cells += element(name, ["class": "number"], text: cell)
                case (false, false): cells += element(name, text: cell)
                }
            }
            body += element("tr", cells)
        }
        let table = element(
            "table",
            element("caption", text: caption) + element("thead", element("tr", head)) + element("tbody", body))
        // A wide table scrolls by itself, with the keyboard too.
        return element(
            "div",
            [
                "class": rows.count > 60 ? "scroll long" : "scroll", "tabindex": "0", "role": "region",
                "aria-label": caption,
            ],
            table)
    }
}
