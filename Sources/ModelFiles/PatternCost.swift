/// How many ways a backtracking engine may try a regular expression on one name before it gives up, at the most.
///
/// Patterns come with adapters and offers from others, and Swift's engine knows no limit of its own: `(.+)+x` keeps it
/// busy for hours over the name of one layer. What repeats multiplies; what stands in a lookaround or an atomic group
/// is tried for itself and adds.
struct PatternCost {
    /// A few seconds' work over a whole model.
    static let limit = 1 << 26
    /// Characters in a name, about: how often an unbounded repetition may end somewhere else.
    private static let nameLength = 64
    /// Larger counts in braces describe no name.
    private static let repetitionsMax = 1_000

    /// One element of a sequence with its quantifier.
    private struct Element {
        var ways = 1
        var isGroup = false
        /// Tried for itself: nothing goes back into it.
        var isAtomic = false
    }

    private let text: [UInt8]
    private var position = 0

    private init(_ pattern: String) {
        text = Array(pattern.utf8)
    }

    /// At most ``limit`` + 1, which stands for everything above.
    static func ways(_ pattern: String) -> Int {
        var cost = PatternCost(pattern)
        return cost.alternatives(depth: 0)
    }

    private static func clamped(_ value: (partialValue: Int, overflow: Bool)) -> Int {
        value.overflow ? limit + 1 : min(value.partialValue, limit + 1)
    }

    private static func product(_ left: Int, _ right: Int) -> Int {
        clamped(left.multipliedReportingOverflow(by: right))
    }
    private static func sum(_ left: Int, _ right: Int) -> Int { clamped(left.addingReportingOverflow(right)) }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    /// Up to the end of the group or of the text.
    private mutating func alternatives(depth: Int) -> Int {
        // A pattern is at most 4 KiB, yet the stack is not without end.
        guard depth < 256 else {
            position = text.count
            return Self.limit + 1
        }
        var total = 0
        repeat { total = Self.sum(total, sequence(depth: depth)) } while take("|")
        return total
    }

    private mutating func sequence(depth: Int) -> Int {
        var elements: [Element] = []
        while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") || depth == 0 {
            var element = atom(depth: depth)
            element.ways = repeated(element)
            elements.append(element)
        }
        return elements.reversed().reduce(1) { rest, element in
            element.isAtomic ? Self.sum(element.ways, rest) : Self.product(element.ways, rest)
        }
    }

    private mutating func atom(depth: Int) -> Element {
        defer { position = min(position, text.count) }
        if take("\\") {
            position += 1
        } else if take("[") {
            _ = take("^")
            while let byte = next, byte != UInt8(ascii: "]") { position += byte == UInt8(ascii: "\\") ? 2 : 1 }
            position += 1
        } else if take("(") {
            var group = Element(isGroup: true)
            if take("?") {
                let kind = next
                if kind == UInt8(ascii: "#") {
                    position = text[position...].firstIndex(of: UInt8(ascii: ")")) ?? text.count
                }
                group.isAtomic = [UInt8(ascii: "="), UInt8(ascii: "!"), UInt8(ascii: ">")].contains(kind)
            }
            group.ways = alternatives(depth: depth + 1)
            position += 1
            return group
        } else {
            position += 1
        }
        return Element()
    }

    /// With the quantifier that follows, if one does.
    private mutating func repeated(_ element: Element) -> Int {
        let least: Int
        let most: Int?
        if take("*") {
            (least, most) = (0, nil)
        } else if take("+") {
            (least, most) = (1, nil)
        } else if take("?") {
            (least, most) = (0, 1)
        } else if let (low, high) = braces() {
            (least, most) = (low, high)
        } else {
            return element.ways
        }
        // Lazy and possessive ones are tried as often at the most.
        if next == UInt8(ascii: "?") || next == UInt8(ascii: "+") { position += 1 }
        guard let most else { return element.ways == 1 ? Self.nameLength : Self.limit + 1 }
        guard most <= Self.repetitionsMax else { return Self.limit + 1 }
        if element.ways == 1 { return max(1, element.isGroup ? most : most - least + 1) }
        var ways = 1
        for _ in 0..<most { ways = Self.product(ways, element.ways + (least < most ? 1 : 0)) }
        return ways
    }

    /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; anything else stands for itself.
    private mutating func braces() -> (Int, Int?)? {
        let start = position
        guard take("{") else { return nil }
        let low = digits()
        let hasComma = take(",")
        let high = hasComma ? digits() : low
        guard take("}"), low != nil || high != nil else {
            position = start
            return nil
        }
        return (low ?? 0, high)
    }

    /// `nil` if there are none; a number too large for `Int` is as good as any above the limit.
    private mutating func digits() -> Int? {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { return nil }
        return Int(String(decoding: text[start..<position], as: UTF8.self)) ?? Self.limit
    }
}
