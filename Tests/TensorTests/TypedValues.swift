import CKernels
import Tensor

/// Values as a kernel's `type` stores them.
struct TypedValues {
    var bytes: [UInt8]
    let type: shoal_type

    /// Rounds to nearest even.
    init(_ values: [Float], _ type: shoal_type) {
        self.type = type
        if type == SHOAL_FLOAT32 {
            bytes = values.withUnsafeBytes { [UInt8]($0) }
            return
        }
        let halves = values.map { value in
            let bits = value.bitPattern
            return value.isNaN ? UInt16(0x7fc0) : UInt16((UInt64(bits) + 0x7fff + UInt64(bits >> 16 & 1)) >> 16)
        }
        bytes = halves.withUnsafeBytes { [UInt8]($0) }
    }

    /// Room for a kernel's result: nothing but NaN.
    init(blank count: Int, _ type: shoal_type) {
        self.init([Float](repeating: .nan, count: count), type)
    }

    var floats: [Float] {
        bytes.withUnsafeBytes { raw in
            type == SHOAL_FLOAT32
                ? [Float](raw.bindMemory(to: Float.self))
                : raw.bindMemory(to: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        }
    }
}

extension shoal_type {
    static let all = [SHOAL_FLOAT32, SHOAL_BFLOAT16]

    /// Of `error(from:)`: float32 arithmetic, and one rounding to the type.
    var tolerance: Double { self == SHOAL_FLOAT32 ? 1e-5 : 4e-3 }
}

extension [Float] {
    /// Rounded to the type.
    func rounded(to type: shoal_type) -> [Float] { TypedValues(self, type).floats }

    /// Rows of `width` values, `stride` apart, with NaN between them.
    func spread(width: Int, stride: Int) -> [Float] {
        var flat = [Float](repeating: .nan, count: count / width * stride)
        flat.place(self, width: width, start: 0, stride: stride)
        return flat
    }

    mutating func place(_ values: [Float], width: Int, start: Int, stride: Int) {
        for (index, value) in values.enumerated() { self[start + index / width * stride + index % width] = value }
    }

    func rows(_ count: Int, width: Int, start: Int, stride: Int) -> [Float] {
        (0..<count).flatMap { self[start + $0 * stride..<start + $0 * stride + width] }
    }

    /// What `spread` spread; empty if anything stands between the rows.
    func gathered(width: Int, stride: Int) -> [Float] {
        let untouched = indices.allSatisfy { $0 % stride < width || self[$0].isNaN }
        return untouched ? rows(count / stride, width: width, start: 0, stride: stride) : []
    }
}
