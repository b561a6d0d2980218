import FixtureFiles
import ModelFiles
import Tensor
import Testing

@Suite("Quantised matrices")
struct NF4Tests {
    private let fixture: SafetensorsFile

    init() throws {
        fixture = try SafetensorsFile(path: FixtureFiles.path("quantised/nf4.safetensors"))
    }

    private func floats(_ name: String) throws -> [Float] { try #require(fixture.tensor(name)).float32Values() }

    private func bytes(_ name: String) throws -> [UInt8] { try #require(fixture.tensor(name)).withBytes { Array($0) } }

    @Test("The sixteen values are the definition's normal quantiles")
    func values() throws {
        // The published numbers come from a quantile function in single precision.
        #expect(largestDifference(NF4Matrix.codeValues, try floats("values")) < 5e-7)
        #expect(NF4Matrix.codeValues[7] == 0)
    }

    @Test("The absolute maxima's map is bitsandbytes'")
    func map() throws {
        #expect(largestDifference(NF4Matrix.absmaxMap, try floats("map")) < 1e-7)
    }

    @Test("Codes, absolute maxima and values back are bitsandbytes', but for its rounding between two codes of the map")
    func matrix() throws {
        let source = try floats("source")
        let matrix = NF4Matrix(source, rows: 101, columns: 192)
        #expect(matrix.codes == (try bytes("codes")))
        #expect(largestDifference(matrix.scales, try floats("scales")) < 1e-7)
        #expect(largestDifference([matrix.offset], try floats("offset")) < 1e-7)
        let (absmax, expected, back) = (try bytes("absmax"), try floats("dequantised"), matrix.dequantised)
        var differing = 0
        for block in absmax.indices {
            let range = block * 64..<(block + 1) * 64
            if matrix.absmax[block] == absmax[block] {
                #expect(largestDifference(Array(back[range]), Array(expected[range])) < 1e-7)
                continue
            }
            // bitsandbytes is off by one code where a number lies nearly in the middle; the nearer one stands here.
            differing += 1
            #expect(abs(Int(matrix.absmax[block]) - Int(absmax[block])) == 1)
            let highest = source[range].reduce(Float(0)) { max($0, $1.magnitude) }
            func distance(_ code: UInt8) -> Float {
                let scaled = NF4Matrix.absmaxMap[Int(code)] * matrix.scales[block / 256]
                return (highest - matrix.offset - scaled).magnitude
            }
            #expect(distance(matrix.absmax[block]) <= distance(absmax[block]))
        }
        #expect(differing <= 3)
    }

    @Test("NF4's error is bounded by the table's widest gap", arguments: [1, 33, 64, 172, 192])
    func nf4Bound(_ columns: Int) throws {
        let rows = 50
        let source = Array(try floats("source").prefix(rows * columns))
        let back = NF4Matrix(source, rows: rows, columns: columns).dequantised
        let largest = source.reduce(Float(0)) { max($0, $1.magnitude) }
        for row in 0..<rows {
            for first in stride(from: 0, to: columns, by: 64) {
                let range = row * columns + first..<row * columns + min(columns, first + 64)
                let highest = source[range].reduce(Float(0)) { max($0, $1.magnitude) }
                // Half the gap from −1 to −0.696, and half the 8-bit map's widest gap.
                let bound = 0.152 * highest + 0.008 * largest
                #expect(range.allSatisfy { (source[$0] - back[$0]).magnitude <= bound })
            }
        }
    }

    @Test("int8's error is at most half a step, and zeros stay zeros", arguments: [1, 33, 172])
    func int8Bound(_ columns: Int) throws {
        let rows = 50
        let source = Array(try floats("source").prefix(rows * columns))
        let matrix = Int8Matrix(source, rows: rows, columns: columns)
        let back = matrix.dequantised
        for index in source.indices {
            #expect((source[index] - back[index]).magnitude <= matrix.scales[index / columns] * 0.50001)
            #expect(source[index] != 0 || back[index] == 0)
        }
        #expect(Int8Matrix([0, 0], rows: 1, columns: 2).dequantised == [0, 0])
    }
}
