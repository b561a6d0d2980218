import CKernels
import Tensor
import Testing

@Suite("Conversions, sums, columns and gathered rows of either type")
struct TypedVectorTests {
    @Test("Narrowing rounds to nearest, ties to even, and keeps what is no number", arguments: KernelLevel.supported)
    func narrowing(_ level: KernelLevel) {
        let cases: [(float: UInt32, half: UInt16)] = [
            (0x0000_0000, 0x0000), (0x8000_0000, 0x8000), (0x3F80_0000, 0x3F80),
            (0x3F80_7FFF, 0x3F80), (0x3F80_8000, 0x3F80), (0x3F80_8001, 0x3F81),  // Below, at and above a tie.
            (0x3F81_7FFF, 0x3F81), (0x3F81_8000, 0x3F82), (0xBF81_8000, 0xBF82), (0x3FFF_8000, 0x4000),
            (0x7F7F_7FFF, 0x7F7F), (0x7F7F_FFFF, 0x7F80), (0xFF7F_FFFF, 0xFF80),  // The largest become infinite.
            (0x7F80_0000, 0x7F80), (0xFF80_0000, 0xFF80), (0x0080_0000, 0x0080),
        ]
        let notNumbers: [UInt32] = [0x7FC0_0000, 0x7F80_0001, 0xFFFF_FFFF, 0xFF80_0001]
        let x = (cases.map(\.float) + notNumbers).map { Float(bitPattern: $0) }
        // Every value in every lane of a vector and in what is left after the last whole one.
        for shift in x.indices {
            let turned = [Float](x[shift...] + x[..<shift])
            for count in [turned.count, 1] {
                var out = [UInt16](repeating: 1, count: count + 1)
                level.whileInUse { shoal_convert(SHOAL_FLOAT32, turned, SHOAL_BFLOAT16, &out, count, 1) }
                for index in 0..<count {
                    let source = (index + shift) % x.count
                    if source < cases.count {
                        #expect(out[index] == cases[source].half, "\(cases[source])")
                    } else {
                        #expect(out[index] & 0x7FFF > 0x7F80, "\(notNumbers[source - cases.count])")
                    }
                }
                #expect(out[count] == 1)
            }
        }
    }

    @Test("Widening is exact", arguments: KernelLevel.supported)
    func widening(_ level: KernelLevel) {
        // All but not-a-numbers and denormals.
        let halves = (0...UInt16.max).filter { (half: UInt16) -> Bool in
            let size = half & 0x7FFF
            return size == 0 || (size >= 0x0080 && size <= 0x7F80)
        }
        var floats = [Float](repeating: .nan, count: halves.count)
        var back = [UInt16](repeating: 1, count: halves.count)
        level.whileInUse {
            shoal_convert(SHOAL_BFLOAT16, halves, SHOAL_FLOAT32, &floats, halves.count, 1)
            shoal_convert(SHOAL_FLOAT32, floats, SHOAL_BFLOAT16, &back, halves.count, 1)
        }
        #expect(zip(floats, halves).allSatisfy { $0.bitPattern == UInt32($1) << 16 })
        #expect(back == halves)
    }

    @Test("Conversion with a factor, and sums", arguments: [0, 1, 5, 16, 64, 75], KernelLevel.supported)
    func sums(_ count: Int, _ level: KernelLevel) {
        var random = TestValues(UInt64(count))
        let (left, right) = (random.next(count), random.next(count))
        for from in shoal_type.all {
            for to in shoal_type.all {
                let (x, y) = (left.rounded(to: from), right.rounded(to: to))
                let stored = TypedValues(x, from).bytes
                var (converted, sum) = (TypedValues(blank: count, to), TypedValues(y, to))
                level.whileInUse {
                    shoal_convert(from, stored, to, &converted.bytes, count, -3)
                    shoal_add_values(to, &sum.bytes, from, stored, count)
                }
                #expect(converted.floats == x.map { $0 * -3 }.rounded(to: to))
                #expect(sum.floats == zip(x, y).map { $1 + $0 }.rounded(to: to))
            }
        }
    }

    @Test("Factors and sums of columns, factors of rows", arguments: [1, 5, 16, 64, 75], KernelLevel.supported)
    func columns(_ width: Int, _ level: KernelLevel) {
        let rows = 5
        var random = TestValues(UInt64(width))
        let (left, right) = (random.next(rows * width), random.next(rows * width))
        let (columnFactors, rowFactors, start) = (random.next(width), random.next(rows - 1) + [1], random.next(width))
        for type in shoal_type.all {
            let (x, y) = (left.rounded(to: type), right.rounded(to: type))
            let (xStored, yStored) = (TypedValues(x, type).bytes, TypedValues(y, type).bytes)
            var out = TypedValues(blank: x.count, type)
            var (products, sums) = (start, start)
            level.whileInUse {
                shoal_scale_columns(type, xStored, width, columnFactors, nil, &out.bytes, width, rows, width)
                shoal_column_products(type, xStored, width, yStored, width, &products, rows, width)
                shoal_column_products(type, xStored, width, nil, 0, &sums, rows, width)
            }
            #expect(out.floats == x.indices.map { x[$0] * columnFactors[$0 % width] }.rounded(to: type))
            func total(_ values: [Double]) -> [Double] {
                (0..<width).map { column in
                    (0..<rows).reduce(Double(start[column])) { $0 + values[$1 * width + column] }
                }
            }
            #expect(products.error(from: total(zip(x.doubles, y.doubles).map { $0 * $1 })) < 1e-5)
            #expect(sums.error(from: total(x.doubles)) < 1e-5)
        }
        var scaled = left
        level.whileInUse { shoal_scale_rows(&scaled, rowFactors, rows, width) }
        #expect(scaled == left.indices.map { left[$0] * rowFactors[$0 / width] })
    }

    @Test("Gathered rows, times a factor, in place of what was there or added", arguments: [1, 5, 16, 64, 75])
    func gatheredRows(_ width: Int) {
        var random = TestValues(UInt64(width))
        let (source, start) = (random.next(4 * width), random.next(3 * width))
        let ids: [Int32] = [3, 0, 3]
        for type in shoal_type.all {
            let table = source.rounded(to: type)
            let stored = TypedValues(table, type).bytes
            for level in KernelLevel.supported {
                for accumulates in [false, true] {
                    var out = start
                    level.whileInUse { shoal_gather_rows(type, stored, ids, &out, 3, width, 2.5, accumulates) }
                    let expected = out.indices.map { index in
                        2.5 * Double(table[Int(ids[index / width]) * width + index % width])
                            + (accumulates ? Double(start[index]) : 0)
                    }
                    #expect(out.error(from: expected) < 1e-6, "\(type) \(accumulates)")
                }
            }
        }
    }
}
