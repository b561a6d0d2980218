internal import CKernels
internal import Randomness

/// What the states of a trellis stand for: rows of random values of one length, as a random code is nearly the best one
/// there is for normal values (Shannon 1959), and where the steps of a chunk begin.
struct TrellisBook: Sendable {
    /// Values that one step covers at most.
    let width: Int
    /// `[states, width]`, each row of length √width. The newest bit is its sign: what follows a state lies far apart.
    let rows: [Float]
    /// The first half of them, `[width, states / 2]`.
    let columns: [Float]
    /// Values a step covers on average, times 2³².
    private let stride: UInt64

    /// - Parameter bits: A value; from 1/16 to 1/2.
    init(bits: Double) {
        stride = UInt64((0x1p32 / bits).rounded())
        width = Int((stride + 0xFFFF_FFFF) >> 32)
        let half = Int(SHOAL_TRELLIS_STATES) / 2
        var rows: [Float] = []
        rows.reserveCapacity(2 * half * width)
        for state in 0..<half {
            // Sums of whole numbers: the same on every machine.
            let row = (0..<width).map { Self.nearlyNormal(state: state, place: $0) }
            let squares = row.reduce(0) { $0 + $1 * $1 }
            let factor = (Float(width) / Float(max(squares, 1))).squareRoot()
            rows += row.map { Float($0) * factor }
        }
        self.rows = rows + rows.map { -$0 }
        columns = (0..<(width * half)).map { [width] index in rows[index % half * width + index / half] }
    }

    /// A random number that only depends on where it stands: the sum of sixteen bytes less its mean.
    private static func nearlyNormal(state: Int, place: Int) -> Int {
        let words = CounterRandom.philox(counter: (UInt32(state), UInt32(place), 0, 0), key: (0x7472_656c, 0x6c69_7301))
        var sum = -2_040
        for word in [words.0, words.1, words.2, words.3] {
            for shift in [0, 8, 16, 24] as [UInt32] { sum += Int(word >> shift & 0xFF) }
        }
        return sum
    }

    /// How many steps a chunk of `size` values takes.
    func steps(size: Int) -> Int {
        Int(((UInt64(size) << 32) + stride - 1) / stride)
    }

    /// Where the steps of a chunk begin, and after them `size`: `[steps + 1]`.
    func starts(size: Int) -> [UInt32] {
        (0..<steps(size: size)).map { UInt32((UInt64($0) * stride) >> 32) } + [UInt32(size)]
    }
}
