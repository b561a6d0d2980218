import CKernels
import Randomness
import Tensor
import Testing

/// The search against trying every path.
@Suite("Trellis search")
struct TrellisTests {
    private static let states = 512

    /// Rows of `width` normal values for each state, the second half's opposite to the first's; and those by columns.
    private func book(width: Int, key: UInt64) -> (rows: [Float], columns: [Float]) {
        let half = Self.states / 2
        let rows = normalValues(half * width, key: key)
        return (rows + rows.map { -$0 }, (0..<(half * width)).map { rows[$0 % half * width + $0 / half] })
    }

    /// ⟨x, q⟩ along a path, by the definition: a state is the last nine bits, the newest one the highest.
    private func score(_ path: [UInt8], _ x: [Float], _ starts: [UInt32], _ rows: [Float], width: Int) -> Double {
        var state = 0
        var sum = 0.0
        for (step, bit) in path.enumerated() {
            state = state >> 1 | Int(bit) << 8
            for place in Int(starts[step])..<Int(starts[step + 1]) {
                sum += Double(x[place]) * Double(rows[state * width + place - Int(starts[step])])
            }
        }
        return sum
    }

    private func search(_ x: [Float], _ starts: [UInt32], _ columns: [Float]) -> [UInt8] {
        let steps = starts.count - 1
        var choices = [UInt8](repeating: 0, count: steps * Self.states / 2)
        var path = [UInt8](repeating: 0, count: steps)
        shoal_trellis_encode(x, starts, steps, columns, &choices, &path)
        return path
    }

    @Test("no path of twelve steps is better than the one it finds", arguments: KernelLevel.supported)
    func best(_ level: KernelLevel) {
        let starts: [UInt32] = [0, 3, 7, 10, 14, 17, 20, 24, 28, 31, 34, 38, 40]
        for key in 1...6 as ClosedRange<UInt64> {
            let (rows, columns) = book(width: 4, key: key)
            let x = normalValues(40, key: key + 100)
            let found = level.whileInUse { search(x, starts, columns) }
            var best = -Double.infinity
            for number in 0..<(1 << 12) {
                let path = (0..<12).map { UInt8(number >> $0 & 1) }
                best = max(best, score(path, x, starts, rows, width: 4))
            }
            #expect(abs(score(found, x, starts, rows, width: 4) - best) < 1e-3)
        }
    }

    /// Viterbi's algorithm as it is taught, with the kernel's order of float32 sums.
    private func naiveSearch(_ x: [Float], _ starts: [UInt32], _ rows: [Float], width: Int) -> [UInt8] {
        var scores = (0..<Self.states).map { $0 == 0 ? Float(0) : -1e30 }
        var origins: [[Int]] = []
        for step in 0..<starts.count - 1 {
            var (next, origin) = (scores, [Int](repeating: 0, count: Self.states))
            for state in 0..<Self.states {
                let first = state % (Self.states / 2) * 2
                origin[state] = scores[first + 1] > scores[first] ? first + 1 : first
                var gain: Float = 0
                // The upper half's rows are the lower one's, negated.
                for place in Int(starts[step])..<Int(starts[step + 1]) {
                    let row = state % (Self.states / 2) * width + place - Int(starts[step])
                    gain += rows[row] * x[place]
                }
                next[state] = scores[origin[state]] + (state < Self.states / 2 ? gain : -gain)
            }
            scores = next
            origins.append(origin)
        }
        var state = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
        return origins.reversed().map { origin in
            defer { state = origin[state] }
            return UInt8(state / (Self.states / 2))
        }.reversed()
    }

    @Test("every level finds the path of the plain algorithm, whatever a step covers", arguments: KernelLevel.supported)
    func samePath(_ level: KernelLevel) {
        for most in 1...18 {
            let (rows, columns) = book(width: most, key: UInt64(most))
            // Steps of `most` values and of one fewer in turn.
            let sizes = (0..<150).map { $0 % 3 == 1 ? max(1, most - 1) : most }
            let starts = sizes.reduce(into: [UInt32(0)]) { $0.append(($0.last ?? 0) + UInt32($1)) }
            let x = normalValues(sizes.reduce(0, +), key: UInt64(100 + most))
            let found = level.whileInUse { search(x, starts, columns) }
            #expect(found == naiveSearch(x, starts, rows, width: most), "steps of \(most)")
        }
    }

    @Test func theDecoderFollowsThePathFromItsLowestBit() {
        let starts: [UInt32] = [0, 2, 4, 5, 7, 9, 11, 13, 15, 17, 18]
        let (rows, _) = book(width: 2, key: 9)
        let path: [UInt8] = [1, 0, 0, 1, 1, 1, 0, 1, 0, 1]
        var decoded = [Float](repeating: 0, count: 18)
        shoal_trellis_decode([0b1011_1001, 0b10], starts, 10, rows, 2, &decoded)
        // Against each unit vector, the score is the decoded value.
        for place in 0..<18 {
            var unit = [Float](repeating: 0, count: 18)
            unit[place] = 1
            #expect(Double(decoded[place]) == score(path, unit, starts, rows, width: 2))
        }
    }
}
