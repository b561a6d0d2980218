/// The part of an adapter that a round trains and that travels: all tensors, or all but one factor's.
public struct AdapterPart: Hashable, Sendable {
    /// Of the whole flat vector, ascending and apart from each other.
    public let ranges: [Range<Int>]
    /// Values in the part.
    public let count: Int
    /// Values in the whole flat vector.
    public let parameterCount: Int

    /// - Parameter frozen: The factor that is left out; `nil` leaves out nothing.
    public init(of layout: AdapterLayout, without frozen: AdapterTensorName.Factor? = nil) {
        var ranges: [Range<Int>] = []
        for entry in layout.entries where frozen == nil || AdapterTensorName(entry.name)?.factor != frozen {
            if let last = ranges.last, last.upperBound == entry.offset {
                ranges[ranges.count - 1] = last.lowerBound..<entry.range.upperBound
            } else {
                ranges.append(entry.range)
            }
        }
        self.ranges = ranges
        count = ranges.reduce(0) { $0 + $1.count }
        parameterCount = layout.parameterCount
    }

    /// One factor's tensors and nothing else.
    public init(of layout: AdapterLayout, only factor: AdapterTensorName.Factor) {
        let ranges = layout.entries.filter { AdapterTensorName($0.name)?.factor == factor }.map(\.range)
        self.init(ranges: ranges, parameterCount: layout.parameterCount)
    }

    /// - Parameter ranges: Ascending and without overlap, within the whole vector.
    public init(ranges: [Range<Int>], parameterCount: Int) {
        precondition(
            zip([0] + ranges.map(\.upperBound), ranges.map(\.lowerBound) + [parameterCount]).allSatisfy { $0 <= $1 },
            "ranges that overlap or leave the vector")
        self.ranges = ranges
        count = ranges.reduce(0) { $0 + $1.count }
        self.parameterCount = parameterCount
    }

    public var isWhole: Bool { count == parameterCount }

    /// The part's values, `[count]`, of a whole vector, `[parameterCount]`.
    public func gather(_ whole: [Float]) -> [Float] {
        precondition(whole.count == parameterCount, "\(whole.count) values for \(parameterCount)")
        if isWhole { return whole }
        var values: [Float] = []
        values.reserveCapacity(count)
        for range in ranges { values += whole[range] }
        return values
    }

    /// Writes the part's values, `[count]`, to their places in a whole vector, `[parameterCount]`.
    public func scatter(_ values: [Float], into whole: inout [Float]) {
        precondition(
            values.count == count && whole.count == parameterCount, "\(values.count) values into \(whole.count)")
        if isWhole {
            whole = values
            return
        }
        var next = 0
        for range in ranges {
            whole.replaceSubrange(range, with: values[next..<next + range.count])
            next += range.count
        }
    }
}
