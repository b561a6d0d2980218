import CKernels
import Foundation

/// The kernels' definitions, one number at a time in double precision: what the fast ones are judged against.
enum Naive {
    static func exponential(_ x: [Float]) -> [Double] { x.map { exp(Double($0)) } }
    static func exponential(_ x: Double) -> Double { exp(x) }

    /// x (rows, C) → out; layer normalisation where centred.
    static func norm(
        _ x: [Double], weight: [Double], bias: [Double]?, epsilon: Double, centred: Bool
    ) -> [Double] {
        let width = weight.count
        var out = x
        for row in stride(from: 0, to: x.count, by: width) {
            let values = x[row..<row + width]
            let mean = centred ? values.reduce(0, +) / Double(width) : 0
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
            for column in 0..<width {
                let normal = (x[row + column] - mean) / (variance + epsilon).squareRoot()
                out[row + column] = normal * weight[column] + (bias?[column] ?? 0)
            }
        }
        return out
    }

    /// The gradient by x of Σ seed · norm(x), from normal = (x − mean) / √(variance + ε) and its denominator.
    static func normGradient(
        seed: [Double], normal: [Double], rstd: [Double], weight: [Double], centred: Bool
    ) -> [Double] {
        let width = weight.count
        return seed.indices.map { index in
            let row = index / width * width
            let weighted = (0..<width).map { seed[row + $0] * weight[$0] }
            let mean = centred ? weighted.reduce(0, +) / Double(width) : 0
            let shared = (0..<width).reduce(0.0) { $0 + weighted[$1] * normal[row + $1] } / Double(width)
            return rstd[index / width] * (weighted[index % width] - mean - normal[index] * shared)
        }
    }

    static func activation(_ kind: shoal_activation, _ x: Double) -> Double {
        switch kind {
        case SHOAL_SILU: x / (1 + exp(-x))
        case SHOAL_GELU: 0.5 * x * erfc(-x / 2.0.squareRoot())
        case SHOAL_GELU_TANH: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        case SHOAL_RELU: max(x, 0)
        default: tanh(x)
        }
    }

    /// Its slope, by central differences.
    static func slope(_ kind: shoal_activation, _ x: Double) -> Double {
        (activation(kind, x + 1e-5) - activation(kind, x - 1e-5)) / 2e-5
    }

    static func rotaryAngle(_ position: Int, _ pair: Int, rotated: Int) -> Double {
        Double(position) * pow(100, -2 * Double(pair) / Double(rotated))
    }

    /// x (rows, H, D): the first values of a head as complex numbers (x[j], x[j + rotated/2]) turned by their
    /// position's angle, or back.
    static func rotary(
        _ x: [Double], length: Int, heads: Int, headSize: Int, rotated: Int, start: Int, back: Bool = false
    ) -> [Double] {
        var out = x
        let half = rotated / 2
        for index in 0..<x.count / headSize {
            for j in 0..<half {
                let angle =
                    (back ? -1 : 1) * rotaryAngle(start + index / heads % length, j, rotated: rotated)
                let (a, b) = (x[index * headSize + j], x[index * headSize + half + j])
                out[index * headSize + j] = a * cos(angle) - b * sin(angle)
                out[index * headSize + half + j] = b * cos(angle) + a * sin(angle)
            }
        }
        return out
    }

    /// x (rows, inner) · wᵀ for w (columns, inner), plus bias.
    static func linear(_ x: [Double], _ w: [Double], inner: Int, bias: [Double]? = nil) -> [Double] {
        let columns = w.count / inner
        return (0..<x.count / inner * columns).map { index in
            let (row, column) = (index / columns * inner, index % columns)
            return (0..<inner).reduce(bias?[column] ?? 0) { $0 + x[row + $1] * w[column * inner + $1] }
        }
    }

    struct Attention {
        /// Of each block.
        var queries: [Int]
        var keys: [Int]
        var heads: Int
        var keyHeads: Int
        var headSize: Int
        var window: Int
        var causal: Bool

        init(
            queries: [Int], keys: [Int], heads: Int, keyHeads: Int, headSize: Int, window: Int = 0, causal: Bool = true
        ) {
            self.queries = queries
            self.keys = keys
            self.heads = heads
            self.keyHeads = keyHeads
            self.headSize = headSize
            self.window = window
            self.causal = causal
        }

        /// Blocks of a length.
        init(
            blocks: Int = 2, queries: Int, keys: Int, heads: Int, keyHeads: Int, headSize: Int, window: Int = 0,
            causal: Bool = true
        ) {
            self.init(
                queries: [Int](repeating: queries, count: blocks), keys: [Int](repeating: keys, count: blocks),
                heads: heads, keyHeads: keyHeads, headSize: headSize, window: window, causal: causal)
        }

        var blocks: Int { queries.count }
        var queryRows: Int { queries.reduce(0, +) }
        var keyRows: Int { keys.reduce(0, +) }

        private func queryRow(_ block: Int, _ query: Int) -> Int { queries[..<block].reduce(query, +) }
        private func keyRow(_ block: Int, _ key: Int) -> Int { keys[..<block].reduce(key, +) }

        /// The keys that a query sees.
        func visible(_ block: Int, _ query: Int) -> [Int] {
            let position = query + keys[block] - queries[block]
            return (0..<keys[block]).filter {
                (!causal || $0 <= position) && (window == 0 || position - $0 < window)
            }
        }

        /// softmax(q kᵀ / √D) v over the visible keys, by whole rows.
        func forward(_ q: [Double], _ k: [Double], _ v: [Double]) -> [Double] {
            var out = [Double](repeating: 0, count: q.count)
            let group = heads / keyHeads
            for block in 0..<blocks {
                for head in 0..<heads {
                    for query in 0..<queries[block] {
                        let first = (queryRow(block, query) * heads + head) * headSize
                        let visible = visible(block, query)
                        func row(_ key: Int) -> Int { (keyRow(block, key) * keyHeads + head / group) * headSize }
                        let scores = visible.map { key in
                            (0..<headSize).reduce(0.0) { $0 + q[first + $1] * k[row(key) + $1] }
                                / Double(headSize).squareRoot()
                        }
                        let highest = scores.max() ?? 0
                        let weights = scores.map { exp($0 - highest) }
                        let total = weights.reduce(0, +)
                        for (key, weight) in zip(visible, weights) {
                            for d in 0..<headSize { out[first + d] += weight / total * v[row(key) + d] }
                        }
                    }
                }
            }
            return out
        }

        /// The gradients by q, k and v of Σ seed · forward, by the chain rule; finite differences check it in turn.
        func gradients(
            _ q: [Double], _ k: [Double], _ v: [Double], seed: [Double]
        ) -> (q: [Double], k: [Double], v: [Double]) {
            var result = (q: q.map { _ in 0.0 }, k: k.map { _ in 0.0 }, v: v.map { _ in 0.0 })
            let scale = 1 / Double(headSize).squareRoot()
            for block in 0..<blocks {
                for head in 0..<heads {
                    for query in 0..<queries[block] {
                        let first = (queryRow(block, query) * heads + head) * headSize
                        let rows = visible(block, query).map {
                            (keyRow(block, $0) * keyHeads + head / (heads / keyHeads)) * headSize
                        }
                        let scores = rows.map { row in
                            (0..<headSize).reduce(0.0) { $0 + q[first + $1] * k[row + $1] } * scale
                        }
                        let highest = scores.max() ?? 0
                        let exponentials = scores.map { exp($0 - highest) }
                        let total = exponentials.reduce(0, +)
                        let weights = exponentials.map { $0 / total }
                        let products = rows.map { row in
                            (0..<headSize).reduce(0.0) { $0 + seed[first + $1] * v[row + $1] }
                        }
                        let mean = zip(weights, products).reduce(0.0) { $0 + $1.0 * $1.1 }
                        for (index, row) in rows.enumerated() {
                            let score = weights[index] * (products[index] - mean) * scale
                            for d in 0..<headSize {
                                result.v[row + d] += weights[index] * seed[first + d]
                                result.q[first + d] += score * k[row + d]
                                result.k[row + d] += score * q[first + d]
                            }
                        }
                    }
                }
            }
            return result
        }
    }

    /// rows of losses: −log softmax(logits)[label].
    static func crossEntropy(_ logits: [Double], labels: [Int32], width: Int) -> [Double] {
        labels.enumerated().map { row, label in
            guard label >= 0 else { return 0 }
            let values = logits[row * width..<(row + 1) * width]
            let highest = values.max() ?? 0
            let total = values.reduce(0) { $0 + exp($1 - highest) }
            return log(total) + highest - values[values.startIndex + Int(label)]
        }
    }

    /// Central differences of Σ seed · function(x) by each x: the gradient that a backward kernel must give.
    static func gradient(_ x: [Double], seed: [Double], _ function: ([Double]) -> [Double]) -> [Double] {
        let step = 1e-5
        return x.indices.map { index in
            var moved = x
            moved[index] = x[index] + step
            let above = function(moved)
            moved[index] = x[index] - step
            let below = function(moved)
            return zip(zip(above, below), seed).reduce(0) { $0 + ($1.0.0 - $1.0.1) * $1.1 } / (2 * step)
        }
    }

    /// Philox4x32-10, one block, from the paper's definition.
    static func philox(_ counter: [UInt32], key: UInt64) -> [UInt32] {
        var (c, k0, k1) = (counter, UInt32(truncatingIfNeeded: key), UInt32(key >> 32))
        for _ in 0..<10 {
            let first = UInt64(c[0]) * 0xD251_1F53
            let second = UInt64(c[2]) * 0xCD9E_8D57
            c = [
                UInt32(second >> 32) ^ c[1] ^ k0, UInt32(truncatingIfNeeded: second),
                UInt32(first >> 32) ^ c[3] ^ k1, UInt32(truncatingIfNeeded: first),
            ]
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return c
    }
}

/// Reproducible test values, roughly normal, from a linear congruential generator.
struct TestValues {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    private mutating func uniform() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 33) / Double(1 << 31)
    }

    mutating func next(_ count: Int, scale: Double = 1) -> [Float] {
        (0..<count).map { _ in Float(((0..<6).reduce(0.0) { sum, _ in sum + uniform() } - 3) * 1.4 * scale) }
    }
}

extension [Float] {
    var doubles: [Double] { map(Double.init) }

    /// The largest |self − other| / (1 + |other|); infinite for NaN and for another count.
    func error(from other: [Double]) -> Double {
        guard count == other.count, !contains(where: \.isNaN) else { return .infinity }
        return zip(self, other).map { abs(Double($0) - $1) / (1 + abs($1)) }.max() ?? 0
    }
}
