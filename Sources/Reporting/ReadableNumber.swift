/// Numbers as a report's readers want them.
enum ReadableNumber {
    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let sign = value < 0 && scaled > 0 ? "−" : ""
        let whole = count(UInt64(scaled / scale))
        guard digits > 0 else { return sign + whole }
        let fraction = String(UInt64(scaled) % UInt64(scale))
        return "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    static func loss(_ value: Double) -> String { fixed(value, 4) }

    static func loss(_ value: Double?) -> String { value.map { loss($0) } ?? "–" }

    static func count(_ value: some BinaryInteger) -> String {
        var digits = Array(String(value))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }

    /// Decimal units: 1 MB = 10⁶ bytes.
    static func bytes(_ value: UInt64) -> String { scaled(Double(value), ["B", "kB", "MB", "GB", "TB"], 1000) }

    /// An estimate is never shown without its mark.
    static func energy(_ joules: Double, isMeasured: Bool) -> String {
        (isMeasured ? "" : "≈ ") + scaled(joules, ["J", "kJ", "MJ", "GJ"], 1000)
    }

    static func seconds(_ value: Double) -> String {
        if value < 60 { return "\(fixed(value, 1)) s" }
        let whole = Int(value.rounded())
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(count(whole / 3600)) h \(whole % 3600 / 60) min"
    }

    /// A change as a part of what it began from.
    static func change(from old: Double, to new: Double) -> String {
        guard old != 0, old.isFinite, new.isFinite else { return "–" }
        let percent = 100 * (new - old) / old
        return (percent > 0 ? "+" : "") + fixed(percent, 1) + " %"
    }

    private static func scaled(_ value: Double, _ units: [String], _ step: Double) -> String {
        var (value, unit) = (value, 0)
        while value >= step, unit < units.count - 1 {
            value /= step
            unit += 1
        }
        let digits = unit == 0 && value == value.rounded() ? 0 : value < 10 ? 2 : 1
        return "\(fixed(value, digits)) \(units[unit])"
    }
}
