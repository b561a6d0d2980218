internal import Glibc

/// The discrete Fourier transform of a power of two complex numbers, in place (Cooley and Tukey 1965).
struct FourierTransform {
    let count: Int
    private let cosines: [Double]
    private let sines: [Double]

    /// - Precondition: `count` is a power of two.
    init(count: Int) {
        precondition(count > 0 && count & (count - 1) == 0, "\(count) numbers")
        self.count = count
        let angles = (0..<count / 2).map { -2 * Double.pi * Double($0) / Double(count) }
        cosines = angles.map { cos($0) }
        sines = angles.map { sin($0) }
    }

    /// Unscaled: forward and inverse together multiply by `count`.
    func transform(_ real: inout [Double], _ imaginary: inout [Double], inverse: Bool = false) {
        precondition(real.count == count && imaginary.count == count, "\(real.count) numbers")
        reverseBits(&real)
        reverseBits(&imaginary)
        let sign = inverse ? -1.0 : 1.0
        var re = real.mutableSpan
        var im = imaginary.mutableSpan
        var half = 1
        while half < count {
            let stride = count / (2 * half)
            for start in Swift.stride(from: 0, to: count, by: 2 * half) {
                for offset in 0..<half {
                    let (c, s) = (cosines[offset * stride], sign * sines[offset * stride])
                    let (low, high) = (start + offset, start + offset + half)
                    let r = re[high] * c - im[high] * s
                    let i = re[high] * s + im[high] * c
                    re[high] = re[low] - r
                    im[high] = im[low] - i
                    re[low] += r
                    im[low] += i
                }
            }
            half *= 2
        }
    }

    private func reverseBits(_ values: inout [Double]) {
        var reversed = 0
        for index in 1..<max(1, count) {
            var bit = count >> 1
            while reversed & bit != 0 {
                reversed ^= bit
                bit >>= 1
            }
            reversed |= bit
            if index < reversed { values.swapAt(index, reversed) }
        }
    }
}
