/// Text in Prometheus' exposition format, version 0.0.4.
struct MetricsText {
    enum Kind: String {
        case counter, gauge, histogram
    }

    private(set) var text = ""

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// One value; `nil` leaves the whole metric out: not known is not zero.
    mutating func add(
        _ kind: Kind, _ name: String, _ help: String, _ value: Double?, labels: KeyValuePairs<String, String> = [:]
    ) {
        guard let value else { return }
        begin(kind, name, help)
        sample(name, labels: labels.map { ($0.key, $0.value) }, value)
    }

    /// One value a label's value, in the order given; none leaves the metric out.
    mutating func add(
        _ kind: Kind, _ name: String, _ help: String, by label: String, _ values: [(String, Double)]
    ) {
        guard !values.isEmpty else { return }
        begin(kind, name, help)
        for (key, value) in values { sample(name, labels: [(label, key)], value) }
    }

    /// - Parameters:
    ///   - bounds: Upper ends of the buckets, ascending; one without an end follows them.
    ///   - values: What was observed.
    mutating func addHistogram(_ name: String, _ help: String, bounds: [Double], _ values: [Double]) {
        begin(.histogram, name, help)
        for bound in bounds {
            sample(
                "\(name)_bucket", labels: [("le", Self.number(bound))], Double(values.count { $0 <= bound }))
        }
        sample("\(name)_bucket", labels: [("le", "+Inf")], Double(values.count))
        sample("\(name)_sum", labels: [], values.reduce(0, +))
        sample("\(name)_count", labels: [], Double(values.count))
    }

    private mutating func begin(_ kind: Kind, _ name: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, labels: [(String, String)], _ value: Double) {
        let inside = labels.map { "\($0)=\"\(Self.escaped($1, quotes: true))\"" }.joined(separator: ",")
        text += "\(name)\(inside.isEmpty ? "" : "{\(inside)}") \(Self.number(value))\n"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        guard value.isFinite else { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : "\(value)"
    }
}
