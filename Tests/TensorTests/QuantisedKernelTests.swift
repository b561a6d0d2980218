import CKernels
import Tensor
import Testing

@Suite("Quantised weights' kernels")
struct QuantisedKernelTests {
    init() { Threads.limit(to: 1) }

    /// Widths around vectors' and blocks' edges; rows enough for a second scale.
    static let shapes = [(1, 1), (3, 15), (2, 32), (5, 63), (4, 64), (7, 65), (2, 172), (300, 130), (9, 199)]
    static let types = [SHOAL_FLOAT32, SHOAL_BFLOAT16]

    @Test("int8 rows: each value times its row's scale", arguments: shapes, KernelLevel.supported)
    func int8(_ shape: (rows: Int, columns: Int), _ level: KernelLevel) {
        var values = TestValues(UInt64(shape.rows * shape.columns))
        let codes = values.next(shape.rows * shape.columns, scale: 40).map { Int8(max(-127, min(127, $0))) }
        let scales = values.next(shape.rows, scale: 0.01)
        let expected = codes.indices.map { Float(codes[$0]) * scales[$0 / shape.columns] }
        for type in Self.types {
            let out = converted(type, codes.count) { out in
                level.whileInUse { shoal_dequantise_int8(codes, scales, type, out, shape.rows, shape.columns) }
            }
            #expect(out == expected.map { type == SHOAL_FLOAT32 ? $0 : Self.rounded($0) })
        }
    }

    @Test("NF4 rows: a code's value times its block's absolute maximum", arguments: shapes, KernelLevel.supported)
    func nf4(_ shape: (rows: Int, columns: Int), _ level: KernelLevel) {
        var values = TestValues(UInt64(shape.rows + shape.columns))
        let (rowBytes, blocks) = ((shape.columns + 1) / 2, (shape.columns + 63) / 64)
        func bytes(_ count: Int) -> [UInt8] {
            values.next(count, scale: 1000).map { UInt8(truncatingIfNeeded: Int($0)) }
        }
        let (codes, absmax) = (bytes(shape.rows * rowBytes), bytes(shape.rows * blocks))
        let scales = values.next((shape.rows * blocks + 255) / 256, scale: 0.01)
        let offset: Float = 0.03
        let (table, map) = (shoal_nf4_values(), shoal_nf4_map())
        let expected = (0..<shape.rows * shape.columns).map { index -> Float in
            let (row, column) = (index / shape.columns, index % shape.columns)
            let byte = codes[row * rowBytes + column / 2]
            let block = row * blocks + column / 64
            let largest = Float(
                Double(map?[Int(absmax[block])] ?? .nan) * Double(scales[block / 256]) + Double(offset))
            return (table?[Int(column % 2 == 0 ? byte >> 4 : byte & 15)] ?? .nan) * largest
        }
        for type in Self.types {
            let out = converted(type, expected.count) { out in
                codes.withUnsafeBufferPointer { codes in
                    absmax.withUnsafeBufferPointer { absmax in
                        scales.withUnsafeBufferPointer { scales in
                            var parts = shoal_nf4(
                                codes: codes.baseAddress, absmax: absmax.baseAddress, scales: scales.baseAddress,
                                offset: offset)
                            level.whileInUse { shoal_dequantise_nf4(&parts, type, out, shape.rows, shape.columns) }
                        }
                    }
                }
            }
            #expect(out == expected.map { type == SHOAL_FLOAT32 ? $0 : Self.rounded($0) })
        }
    }

    /// What a kernel wrote into memory of that type; the places behind it must stay as they were.
    private func converted(_ type: shoal_type, _ count: Int, _ kernel: (UnsafeMutableRawPointer) -> Void) -> [Float] {
        if type == SHOAL_FLOAT32 {
            var out = [Float](repeating: 7, count: count + 8)
            out.withUnsafeMutableBytes { if let base = $0.baseAddress { kernel(base) } }
            #expect(out[count...].allSatisfy { $0 == 7 })
            return Array(out[..<count])
        }
        var out = [UInt16](repeating: 7, count: count + 8)
        out.withUnsafeMutableBytes { if let base = $0.baseAddress { kernel(base) } }
        #expect(out[count...].allSatisfy { $0 == 7 })
        return out[..<count].map { Float(bitPattern: UInt32($0) << 16) }
    }

    /// To the nearest bfloat16, ties to even.
    private static func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        let (below, rest) = (bits >> 16, bits & 0xFFFF)
        let up: UInt32 = rest > 0x8000 || (rest == 0x8000 && below & 1 == 1) ? 1 : 0
        return Float(bitPattern: (below + up) << 16)
    }
}
