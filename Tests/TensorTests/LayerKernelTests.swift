import CKernels
import Foundation
import Tensor
import Testing

@Suite("Rotation, loss and dropout kernels")
struct LayerKernelTests {
    @Test(
        "Rotation of a head's first values by position, and back",
        arguments: [(2, 2), (5, 4), (6, 6), (16, 16), (40, 40), (64, 32), (75, 40)], KernelLevel.supported)
    func rotary(_ sizes: (head: Int, rotated: Int), _ level: KernelLevel) {
        let (blocks, length, heads, start, gap) = (2, 7, 3, 4, 5)
        let width = heads * sizes.head
        var random = TestValues(UInt64(sizes.head))
        let values = random.next(blocks * length * width)
        let half = sizes.rotated / 2
        let angles = (0..<(start + length) * half).map {
            Naive.rotaryAngle($0 / half, $0 % half, rotated: sizes.rotated)
        }
        let (cosine, sine) = (Vector(angles.map { Float(cos($0)) }), Vector(angles.map { Float(sin($0)) }))
        var shape = shoal_rotary(
            rows: blocks * length, length: length, start: start, heads: heads, head_size: sizes.head,
            rotated: sizes.rotated, stride: width + gap, cosine: cosine.values, sine: sine.values)
        for type in shoal_type.all {
            let x = values.rounded(to: type)
            let stored = TypedValues(x.spread(width: width, stride: width + gap), type)
            for isBack in [false, true] {
                var turned = stored
                level.whileInUse {
                    if isBack {
                        shoal_rotary_backward(type, &turned.bytes, &shape)
                    } else {
                        shoal_rotary_forward(type, &turned.bytes, &shape)
                    }
                }
                let found = turned.floats.gathered(width: width, stride: width + gap)
                let expected = Naive.rotary(
                    x.doubles, length: length, heads: heads, headSize: sizes.head, rotated: sizes.rotated,
                    start: start, back: isBack)
                #expect(found.error(from: expected) < type.tolerance, "\(type) \(isBack)")
                let still = x.indices.filter { $0 % sizes.head >= sizes.rotated }
                #expect(still.allSatisfy { found[$0] == x[$0] })
            }
        }
        withExtendedLifetime((cosine, sine)) {}
    }

    @Test("Cross-entropy, its derivative, and rows without a label", arguments: [1, 3, 16, 53], KernelLevel.supported)
    func crossEntropy(_ width: Int, _ level: KernelLevel) {
        let labels: [Int32] = [0, -1, Int32(width - 1), Int32(width / 2)]
        var values = TestValues(UInt64(width))
        let logits = values.next(labels.count * width, scale: 5)
        var losses = [Float](repeating: .nan, count: labels.count)
        var untouched = logits
        var gradient = logits
        level.whileInUse {
            shoal_cross_entropy(&untouched, labels, &losses, labels.count, width, false, 0)
            shoal_cross_entropy(&gradient, labels, &losses, labels.count, width, true, 0.5)
        }
        func expected(_ logits: [Double]) -> [Double] { Naive.crossEntropy(logits, labels: labels, width: width) }
        #expect(untouched == logits)
        #expect(losses.error(from: expected(logits.doubles)) < 1e-6)
        let seed = [Double](repeating: 0.5, count: labels.count)
        #expect(gradient.error(from: Naive.gradient(logits.doubles, seed: seed, expected)) < 1e-6)
    }

    @Test(
        "A vocabulary in blocks gives the whole softmax", arguments: [1, 3, 16, 53, 100], KernelLevel.supported)
    func vocabularyBlocks(_ width: Int, _ level: KernelLevel) {
        let labels: [Int32] = [0, -100, Int32(width - 1), Int32(width / 2)]
        let rows = labels.count
        var random = TestValues(UInt64(width))
        let logits = random.next(rows * width, scale: 30)
        let expected = Naive.crossEntropy(logits.doubles, labels: labels, width: width)
        let softmax = logits.indices.map { index in
            let row = index / width * width
            let label = Int32(index % width)
            return exp(
                -Naive.crossEntropy(logits[row..<row + width].map(Double.init), labels: [label], width: width)[0])
        }
        for type in shoal_type.all {
            for blockWidth in [1, 7, 16, 37, 100] {
                for wantsWeights in [true, false] {
                    let blank = [Float](repeating: 0, count: rows)
                    var (highest, total, target, kept) = (blank.map { _ in -1e30 as Float }, blank, blank, blank)
                    var probabilities = [Double](repeating: 0, count: rows * width)
                    for first in stride(from: 0, to: width, by: blockWidth) {
                        let columns = min(blockWidth, width - first)
                        let block = logits.rows(rows, width: columns, start: first, stride: width)
                        var weights = TypedValues(blank: rows * columns, type)
                        level.whileInUse {
                            weights.bytes.withUnsafeMutableBytes {
                                shoal_vocabulary_block(
                                    type, block, wantsWeights ? $0.baseAddress : nil, labels, first, rows, columns,
                                    &highest, &total, &target, &kept)
                            }
                        }
                        for index in probabilities.indices { probabilities[index] *= Double(kept[index / width]) }
                        for (index, weight) in weights.floats.enumerated() {
                            probabilities[index / columns * width + first + index % columns] = Double(weight)
                        }
                    }
                    let losses = labels.indices.map {
                        labels[$0] < 0 ? 0 : Float(log(Double(total[$0])) + Double(highest[$0] - target[$0]))
                    }
                    #expect(losses.error(from: expected) < 1e-5, "\(type) \(blockWidth)")
                    guard wantsWeights else { continue }
                    let found = probabilities.indices.map { Float(probabilities[$0] / Double(total[$0 / width])) }
                    #expect(found.error(from: softmax) < type.tolerance, "\(type) \(blockWidth)")
                }
            }
        }
    }

    @Test(
        "Dropout draws each element's mask from its own counter", arguments: [1, 5, 63, 64, 1000],
        KernelLevel.supported)
    func dropout(_ count: Int, _ level: KernelLevel) {
        var values = TestValues(UInt64(count))
        let (source, start) = (values.next(count), values.next(count))
        let (key, stream): (UInt64, UInt32) = (0x0123_4567_89AB_CDEF, 77)
        for type in shoal_type.all {
            let (x, base) = (source.rounded(to: type), start.rounded(to: type))
            let stored = TypedValues(x, type).bytes
            var (out, sum) = (TypedValues(blank: count, type), TypedValues(base, type))
            level.whileInUse {
                shoal_dropout_forward(type, stored, &out.bytes, count, 0.25, key, stream)
                shoal_dropout_backward(type, stored, &sum.bytes, count, 0.25, key, stream)
            }
            let expected = x.indices.map { index -> Double in
                let words = Naive.philox([UInt32(index / 64 * 16 + index % 16), 0, stream, 0], key: key)
                return words[index / 16 % 4] >= 1 << 30 ? Double(x[index]) / 0.75 : 0
            }
            #expect(out.floats.error(from: expected) < type.tolerance)
            #expect(sum.floats.error(from: zip(expected, base).map { $0 + Double($1) }) < type.tolerance)
        }
    }
}
