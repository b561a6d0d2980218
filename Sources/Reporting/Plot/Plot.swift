/// One SVG drawing: a frame with axes, and what the kinds of plots draw into it.
///
/// Colours are the page's variables, so that one drawing serves light, dark and paper. Lines differ in their dashes and
/// markers as well as in colour.
struct Plot {
    /// Unit: SVG units, about pixels on a phone.
    static let width = 400.0
    static let height = 240.0
    static let left = 52.0
    static let right = 12.0
    static let top = 10.0
    static let bottom = 40.0

    let identifier: String
    let title: String
    /// What a reader who does not see the drawing should know.
    let summary: String
    private var content = ""
    private let drawnHeight: Double

    init(_ identifier: String, title: String, summary: String, height: Double = Plot.height) {
        self.identifier = identifier
        self.title = title
        self.summary = summary
        drawnHeight = height
    }

    static func x(_ place: Double) -> Double { left + place * (width - left - right) }
    static func y(_ place: Double) -> Double { height - bottom - place * (height - top - bottom) }

    /// Axes with labels, and a faint line at each tick of the vertical one.
    mutating func frame(x: Scale, y: Scale, xLabel: String, yLabel: String) {
        for tick in y.ticks {
            let at = Self.y(y.place(tick))
            line("grid", Self.left, at, Self.width - Self.right, at)
            text(ReadableNumber.fixed(tick, y.digits), Self.left - 6, at + 4, anchor: "end")
        }
        for tick in x.ticks {
            text(
                ReadableNumber.fixed(tick, x.digits), Self.x(x.place(tick)), Self.height - Self.bottom + 16,
                anchor: "middle")
        }
        line("axis", Self.left, Self.height - Self.bottom, Self.width - Self.right, Self.height - Self.bottom)
        text(xLabel, (Self.left + Self.width - Self.right) / 2, Self.height - 6, anchor: "middle", style: "label")
        let middle = (Self.top + Self.height - Self.bottom) / 2
        content +=
            "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(11 \(number(middle))) rotate(-90)\">"
            + Markup.escaped(yLabel) + "</text>"
    }

    mutating func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
        content +=
            "<line class=\"\(style)\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\"/>"
    }

    mutating func path(_ style: String, _ points: [(x: Double, y: Double)], isClosed: Bool = false) {
        guard !points.isEmpty else { return }
        let steps = points.enumerated().map { "\($0 == 0 ? "M" : "L")\(number($1.x)) \(number($1.y))" }
        content += "<path class=\"\(style)\" d=\"\(steps.joined())\(isClosed ? "Z" : "")\"/>"
    }

    /// - Parameter tip: Shown when a pointer rests on it.
    mutating func dot(_ style: String, _ x: Double, _ y: Double, radius: Double = 2.6, tip: String) {
        content +=
            "<circle class=\"\(style)\" cx=\"\(number(x))\" cy=\"\(number(y))\" r=\"\(number(radius))\">"
            + "<title>\(Markup.escaped(tip))</title></circle>"
    }

    mutating func cross(_ style: String, _ x: Double, _ y: Double, tip: String) {
        content +=
            "<path class=\"\(style)\" d=\"M\(number(x - 4)) \(number(y - 4))l8 8m0 -8l-8 8\">"
            + "<title>\(Markup.escaped(tip))</title></path>"
    }

    mutating func bar(_ style: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double, tip: String) {
        content +=
            "<rect class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(max(0, width)))\" "
            + "height=\"\(number(max(0, height)))\"><title>\(Markup.escaped(tip))</title></rect>"
    }

    mutating func text(_ text: String, _ x: Double, _ y: Double, anchor: String, style: String = "tick") {
        content +=
            "<text class=\"\(style)\" x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">"
            + Markup.escaped(text) + "</text>"
    }

    /// The drawing with its heading, its key, and beside it the same as a table.
    ///
    /// - Parameter key: Style and name of each series; nothing for a single one.
    func figure(key: [(style: String, name: String)] = [], table: Markup? = nil) -> Markup {
        let drawing = Markup(
            raw: "<svg viewBox=\"0 0 \(number(Self.width)) \(number(drawnHeight))\" role=\"img\" "
                + "aria-labelledby=\"\(identifier)-t \(identifier)-d\"><title id=\"\(identifier)-t\">"
                + Markup.escaped(title)
                + "</title><desc id=\"\(identifier)-d\">\(Markup.escaped(summary))</desc>\(content)</svg>")
        var names = Markup()
        for entry in key {
            names += .element(
                "li",
                Markup(
                    raw: "<svg class=\"key\" viewBox=\"0 0 24 10\" aria-hidden=\"true\">\(sample(entry.style))</svg>")
                    + .element("span", text: entry.name))
        }
        var parts = Markup.element("figcaption", text: title)
        parts += drawing
        if !key.isEmpty { parts += .element("ul", ["class": "keys"], names) }
        if let table {
            parts += .element("details", .element("summary", text: "As a table") + table)
        }
        return .element("figure", ["id": identifier], parts)
    }

    private func sample(_ style: String) -> String {
        switch style.prefix(3) {
        case "fil": "<rect class=\"\(style)\" x=\"4\" y=\"0\" width=\"16\" height=\"10\"/>"
        case "cro": "<path class=\"\(style)\" d=\"M8 1l8 8m0 -8l-8 8\"/>"
        case "hol", "dot": "<circle class=\"\(style)\" cx=\"12\" cy=\"5\" r=\"3.6\"/>"
        default: "<line class=\"\(style)\" x1=\"0\" y1=\"5\" x2=\"24\" y2=\"5\"/>"
        }
    }

    /// Tenths are enough of a page's unit.
    private func number(_ value: Double) -> String {
        let tenths = (value * 10).rounded()
        guard tenths.isFinite, abs(tenths) < 1e9 else { return "0" }
        let whole = Int(tenths)
        return whole % 10 == 0 ? "\(whole / 10)" : "\(whole < 0 ? "-" : "")\(abs(whole) / 10).\(abs(whole) % 10)"
    }
}
