/// Durations as people write them: `500ms`, `90s`, `5m`, `1.5h`.
enum DurationText {
    private static let units: [(suffix: String, milliseconds: Int)] = [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000),
    ]

    /// For a JSON Schema.
    static let pattern = #"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"#

    /// `nil` unless `text` is a whole number of milliseconds below 100 days.
    static func read(_ text: String) -> Duration? {
        for unit in units where text.hasSuffix(unit.suffix) {
            let digits = text.dropLast(unit.suffix.count)
            let isNumber = digits.utf8.allSatisfy { (48...57).contains($0) || $0 == UInt8(ascii: ".") }
            guard isNumber, digits.first != ".", digits.last != ".", let value = Double(digits) else { continue }
            let milliseconds = value * Double(unit.milliseconds)
            guard milliseconds < 8.64e9, milliseconds == milliseconds.rounded() else { return nil }
            return .milliseconds(Int(milliseconds))
        }
        return nil
    }

    /// In the largest unit that gives a whole number.
    static func write(_ duration: Duration) -> String {
        let milliseconds = Int((duration / .milliseconds(1)).rounded())
        let unit = units.last { milliseconds != 0 && milliseconds.isMultiple(of: $0.milliseconds) } ?? units[1]
        return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
    }
}
