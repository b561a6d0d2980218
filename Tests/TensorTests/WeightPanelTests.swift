import CKernels
import Tensor
import Testing

@Suite("Weights laid out once for products")
struct WeightPanelTests {
    /// Rows from one in place of a tile to several tiles; widths about one and several panels of every level.
    private static let shapes = [(5, 20, 16), (29, 67, 65), (64, 33, 40), (150, 48, 7), (40, 300, 172)]

    /// x · Wᵀ and g · W of one weight, beside a second term that is packed each time.
    private struct Products {
        let rows: Int, inputs: Int, outputs: Int
        let x: TypedValues, g: TypedValues, side: TypedValues
        let plain: Weight
        let expected: (forward: [Double], backward: [Double])

        init(_ shape: (rows: Int, inputs: Int, outputs: Int), _ type: ElementType) {
            (rows, inputs, outputs) = shape
            var values = TestValues(UInt64(rows))
            let (x, g) = (values.next(rows * inputs), values.next(rows * outputs))
            let (weight, side) = (values.next(outputs * inputs), values.next(outputs * inputs))
            let rounded = [x, g, weight, side].map { $0.rounded(to: type.kernelType) }
            (self.x, self.g) = (TypedValues(rounded[0], type.kernelType), TypedValues(rounded[1], type.kernelType))
            self.side = TypedValues(rounded[3], type.kernelType)
            plain = Weight(rows: outputs, columns: inputs, type: type, values: rounded[2])
            let sum = zip(rounded[2], rounded[3]).map { Double($0) + Double($1) }
            let transposed = (0..<inputs).flatMap { i in (0..<shape.outputs).map { sum[$0 * shape.inputs + i] } }
            expected = (
                Naive.linear(rounded[0].doubles, sum, inner: inputs),
                Naive.linear(rounded[1].doubles, transposed, inner: outputs)
            )
        }

        func results(_ weight: Weight) -> (forward: [Float], backward: [Float]) {
            var forward = TypedValues(blank: rows * outputs, SHOAL_FLOAT32)
            var backward = TypedValues(blank: rows * inputs, SHOAL_FLOAT32)
            x.bytes.withUnsafeBytes { x in
                g.bytes.withUnsafeBytes { g in
                    side.bytes.withUnsafeBytes { side in
                        forward.bytes.withUnsafeMutableBytes { forward in
                            backward.bytes.withUnsafeMutableBytes { backward in
                                guard let x = x.baseAddress, let g = g.baseAddress, let side = side.baseAddress,
                                    let forward = forward.baseAddress, let backward = backward.baseAddress
                                else { return }
                                let type = weight.type
                                let left = MatMul.Operand(x, type, rows: rows, columns: inputs)
                                let gradient = MatMul.Operand(g, type, rows: rows, columns: outputs)
                                let other = MatMul.Operand(side, type, rows: outputs, columns: inputs)
                                MatMul.add(
                                    [
                                        MatMul.Term(left, MatMul.Operand(weight).transposed),
                                        MatMul.Term(left, other.transposed),
                                    ], into: MatMul.Result(forward))
                                MatMul.add(
                                    [
                                        MatMul.Term(gradient, other), MatMul.Term(gradient, MatMul.Operand(weight)),
                                    ], into: MatMul.Result(backward))
                            }
                        }
                    }
                }
            }
            return (forward.floats, backward.floats)
        }
    }

    @Test(
        "give the products of the weight, bit for bit, also at a level that they were not made for",
        arguments: KernelLevel.supported, [ElementType.float32, .bfloat16])
    func products(_ level: KernelLevel, _ type: ElementType) {
        for shape in Self.shapes {
            let products = Products(shape, type)
            let packed = level.whileInUse { products.plain.packed() }
            for used in KernelLevel.supported {
                let (found, usual) = used.whileInUse { (products.results(packed), products.results(products.plain)) }
                #expect(found.forward == usual.forward && found.backward == usual.backward, "\(shape) at \(used)")
                // Two terms of up to 300 steps each.
                let tolerance = 4 * type.kernelType.tolerance
                #expect(found.forward.error(from: products.expected.forward) < tolerance, "\(shape) at \(used)")
                #expect(found.backward.error(from: products.expected.backward) < tolerance, "\(shape) at \(used)")
            }
        }
    }

    @Test(
        "are what products read: another matrix's panels give its products",
        arguments: [ElementType.float32, .bfloat16])
    func areRead(_ type: ElementType) {
        let products = Products((29, 67, 65), type)
        let zeros = Weight(rows: 65, columns: 67, type: type, values: [Float](repeating: 0, count: 65 * 67))
        let (found, expected) = KernelLevel.supported[0].whileInUse {
            var other = products.plain
            other.panels = zeros.packed().panels
            return (products.results(other), products.results(zeros))
        }
        #expect(found.forward == expected.forward && found.backward == expected.backward)
    }
}
