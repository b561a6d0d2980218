import Federation
import Foundation
import Testing

@Suite("Noise")
struct NoiseTests {
    private func stream(_ number: UInt8) -> SecretStream { SecretStream(key: [UInt8](repeating: number, count: 32)) }

    @Test("a secret stream is ChaCha20's key stream")
    func chaCha20() {
        // RFC 8439, A.1, test vector 2: all-zero key and nonce, block 1.
        let block: [UInt8] = [
            0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a, 0x98, 0xba, 0x97, 0x7c, 0x73, 0x2d, 0x08, 0x0d,
        ]
        var stream = stream(0)
        let bytes = (0..<2).flatMap { _ in
            let word = stream.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
        #expect(bytes == block)
    }

    @Test("a stream goes on beyond its first block without repeating it")
    func longStream() {
        var stream = stream(1)
        let words = (0..<30_000).map { _ in stream.next() }
        #expect(Set(words).count == words.count)
        #expect(SecretStream.randomKey() != SecretStream.randomKey())
        #expect(SecretStream.key(from: [1], for: "a") != SecretStream.key(from: [1], for: "b"))
    }

    @Test("has the variance that was asked for and a normal distribution's shape", arguments: [1e-6, 0.3, 40])
    func moments(_ deviation: Double) {
        var values = [Double](repeating: 0, count: 200_001)
        var noise = stream(2)
        NormalNoise.add(to: &values, deviation: deviation, using: &noise)
        let count = Double(values.count)
        let moments = (1...4).map { power in
            values.reduce(0) { $0 + pow($1 / deviation, Double(power)) } / count
        }
        // Standard errors of normal samples' moments: √(1, 2, 15, 96 / n); five of them.
        #expect(abs(moments[0]) < 5 * (1 / count).squareRoot())
        #expect(abs(moments[1] - 1) < 5 * (2 / count).squareRoot())
        #expect(abs(moments[2]) < 5 * (15 / count).squareRoot())
        #expect(abs(moments[3] - 3) < 5 * (96 / count).squareRoot())
        // Neighbours come from one pair of the transformation: they must not go together.
        let products = stride(from: 0, to: values.count - 1, by: 2).map { values[$0] * values[$0 + 1] }
        let covariance = products.reduce(0, +) / (deviation * deviation * Double(products.count))
        #expect(abs(covariance) < 5 / Double(products.count).squareRoot())
        let tail = Double(values.count { abs($0) > 2 * deviation }) / count
        #expect(abs(tail - 0.0455003) < 5 * (0.0455 / count).squareRoot())
    }

    @Test("puts every value on one grid, whatever it was before")
    func grid() {
        var noise = stream(3)
        var values = (0..<1_000).map { Double($0) * 0.1 + 1e-13 }
        NormalNoise.add(to: &values, deviation: 1, using: &noise)
        #expect(values.allSatisfy { $0 * 0x1p20 == ($0 * 0x1p20).rounded() })
    }

    @Test("a worker's own noise comes after the clip")
    func local() {
        var noise = stream(4)
        var update = [Float](repeating: 3, count: 40_000)
        #expect(!LocalNoise.apply(to: &update, clip: 2, deviation: 0.5, noise: &noise))
        let mean = update.reduce(0.0) { $0 + Double($1) } / 40_000
        let variance = update.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 40_000
        // 40,000 equal values of norm 2 are 0.01 each.
        #expect(abs(mean - 0.01) < 5 * 0.5 / 200)
        #expect(abs(variance - 0.25) < 5 * 0.25 * (2.0 / 40_000).squareRoot())
        var short: [Float] = [0.6, 0.8]
        #expect(LocalNoise.apply(to: &short, clip: 1.01, deviation: 0, noise: &noise))
        #expect(short == [0.6, 0.8])
    }
}
