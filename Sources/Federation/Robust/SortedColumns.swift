/// Some workers' values of 16 columns, each column sorted: what the coordinate-wise rules read.
///
/// Sixteen columns are sorted at once by a network of comparisons that depends on the number of workers alone.
///
/// - SeeAlso: Batcher's odd-even merge sort for any number: Knuth, "The Art of Computer Programming", volume 3, 5.2.2,
///   Algorithm M.
struct SortedColumns {
    typealias Row = SIMD16<Float>

    /// Workers.
    let count: Int
    private var rows: [Row]
    private let network: [(low: Int, high: Int)]

    init(workers count: Int) {
        precondition(count >= 1, "\(count) workers")
        self.count = count
        rows = [Row](repeating: .zero, count: count)
        network = Self.network(count)
    }

    /// The smallest values first.
    subscript(rank: Int) -> Row { rows[rank] }

    /// Takes in up to 16 columns.
    ///
    /// - Parameters:
    ///   - values: The first worker's first value; finite numbers.
    ///   - stride: From one worker's values to the next one's.
    ///   - columns: 1 to 16; the rest is filled with zeros.
    mutating func load(_ values: UnsafePointer<Float>, stride: Int, columns: Int) {
        for row in 0..<count {
            let source = values + row * stride
            var target = Row.zero
            for column in 0..<columns { target[column] = source[column] }
            // Adding 0 makes −0 a 0: which of two equal values comes first must not show.
            rows[row] = target + 0
        }
        rows.withUnsafeMutableBufferPointer { rows in
            for (low, high) in network {
                let (one, other) = (rows[low], rows[high])
                let isOrdered = one .<= other
                rows[low] = other.replacing(with: one, where: isOrdered)
                rows[high] = one.replacing(with: other, where: isOrdered)
            }
        }
    }

    private static func network(_ count: Int) -> [(low: Int, high: Int)] {
        var network: [(low: Int, high: Int)] = []
        var span = 1
        while span < count {
            var gap = span
            while gap >= 1 {
                for start in stride(from: gap % span, to: count - gap, by: 2 * gap) {
                    for offset in start..<min(start + gap, count - gap)
                    where offset / (2 * span) == (offset + gap) / (2 * span) {
                        network.append((offset, offset + gap))
                    }
                }
                gap /= 2
            }
            span *= 2
        }
        return network
    }
}
