/// Numbers as people read them.
enum Quantity {
    static func loss(_ value: Double) -> String {
        fixed(value, digits: 4)
    }

    /// Decimal units: 1 MB = 10⁶ bytes.
    static func bytes(_ count: UInt64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = Double(count)
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(fixed(value, digits: value < 10 ? 2 : 1)) \(units[unit])"
    }

    static func seconds(_ value: Double) -> String {
        guard value >= 60 else { return "\(fixed(value, digits: 1)) s" }
        let whole = Int(value.rounded())
        return whole >= 3600
            ? "\(whole / 3600) h \(whole % 3600 / 60) min" : "\(whole / 60) min \(whole % 60) s"
    }

    static func count(_ value: Int) -> String {
        var digits = Array(String(value))
        var index = digits.count - 3
        while index > 0 {
            digits.insert(",", at: index)
            index -= 3
        }
        return String(digits)
    }

    static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return value == .infinity ? "infinite" : "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1e15 else { return "\(value)" }
        let whole = Int(scaled)
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let fraction = String(whole % Int(scale))
        return "\(sign)\(whole / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
