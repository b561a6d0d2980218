/// A linear axis: values to places on the page, and where its ticks stand.
package struct Scale {
    /// First and last value of the axis.
    package let domain: ClosedRange<Double>
    /// Round values within the domain, ascending.
    package let ticks: [Double]
    /// Digits behind the point that tell the ticks apart.
    package let digits: Int

    /// - Parameters:
    ///   - values: What must fit; values that are not finite are left out.
    ///   - includesZero: Bars must begin at 0.
    ///   - steps: About so many ticks.
    ///   - isWhole: Ticks are whole numbers.
    package init(_ values: [Double], includesZero: Bool = false, steps: Int = 4, isWhole: Bool = false) {
        let finite = values.filter(\.isFinite)
        var low = finite.min() ?? 0
        var high = finite.max() ?? 1
        if includesZero { (low, high) = (min(0, low), max(0, high)) }
        if low == high { (low, high) = includesZero ? (0, max(high, 1)) : (low - 0.5, high + 0.5) }
        var step = Self.round((high - low) / Double(steps))
        if isWhole { step = max(1, step.rounded()) }
        let first = (low / step).rounded(.down)
        let last = (high / step).rounded(.up)
        // Rounds: the axis ends where they do, not at the next round number.
        domain = isWhole ? low...high : first * step...last * step
        ticks = stride(from: first, through: last, by: 1).map { $0 * step }.filter { [domain] in
            $0 >= domain.lowerBound - step * 1e-9 && $0 <= domain.upperBound + step * 1e-9
        }
        var digits = 0
        var unit = step
        while digits < 9, abs(unit - unit.rounded()) > 1e-6 * unit {
            unit *= 10
            digits += 1
        }
        self.digits = digits
    }

    init(domain: ClosedRange<Double>, ticks: [Double], digits: Int) {
        self.domain = domain
        self.ticks = ticks
        self.digits = digits
    }

    /// The value's place from 0 (first) to 1 (last).
    package func place(_ value: Double) -> Double {
        (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
    }

    /// 1, 2 or 5 times a power of ten, at least as large.
    private static func round(_ step: Double) -> Double {
        var power = 1.0
        while power * 10 <= step { power *= 10 }
        while power > step { power /= 10 }
        for factor in [1.0, 2, 5] where factor * power >= step * (1 - 1e-9) { return factor * power }
        return 10 * power
    }
}
