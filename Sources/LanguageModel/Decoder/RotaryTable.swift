internal import Glibc

/// Cosines and sines of the rotary angles, `[positions, headSize / 2]` each, for positions from 0 up.
///
/// Angle of pair j at position p: p · base^(−2j / headSize) (Su et al. 2021, arXiv:2104.09864).
struct RotaryTable {
    private(set) var cosine: [Float] = []
    private(set) var sine: [Float] = []
    private let frequencies: [Double]

    init(headSize: Int, base: Double) {
        frequencies = (0..<headSize / 2).map { pow(base, -2 * Double($0) / Double(headSize)) }
    }

    /// Makes the table reach position `count - 1`.
    mutating func reserve(_ count: Int) {
        let held = cosine.count / frequencies.count
        guard held < count else { return }
        for position in held..<count {
            for frequency in frequencies {
                let angle = Double(position) * frequency
                cosine.append(Float(cos(angle)))
                sine.append(Float(sin(angle)))
            }
        }
    }
}
