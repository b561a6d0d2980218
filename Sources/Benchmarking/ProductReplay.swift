internal import Tensor

/// Makes a step's matrix products again, alone and in the same order: the fastest that the step could be.
///
/// Weights are read where they lie; all else is moved to memory of this replay's own that keeps which operands overlap
/// and how they lie in their pages, so that the caches see what they saw in the step.
final class ProductReplay {
    /// Memory that the step used, and what stands for it here.
    private struct Region {
        let begin: UInt
        var end: UInt
        var base: UnsafeMutableRawPointer?
    }

    private static let pageBytes = 4096
    private var products: [MatMul.Product] = []
    private var regions: [Region] = []
    private let pattern: [UInt16]

    init(_ recorded: [MatMul.Product]) {
        // Large numbers of random sign, valid as bfloat16 and as float32: products of products may shrink over a whole
        // replay, and numbers below the normal range would slow the processor down.
        var state: UInt32 = 1
        pattern = (0..<1 << 15).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return 0x5380 | UInt16(state >> 25) | UInt16(state >> 24 & 1) << 15
        }
        regions = Self.merged(recorded)
        for index in regions.indices {
            let region = regions[index]
            let shift = Int(region.begin % UInt(Self.pageBytes))
            regions[index].base = .allocate(
                byteCount: shift + Int(region.end - region.begin), alignment: Self.pageBytes)
        }
        products = recorded.map { product in
            var moved = product
            moved.terms = product.terms.map { MatMul.Term(relocated($0.left), relocated($0.right)) }
            moved.result = product.result.moved(to: address(UInt(bitPattern: product.result.address)))
            return moved
        }
    }

    deinit {
        for region in regions { region.base?.deallocate() }
    }

    /// The median time of all products once through. Unit: seconds.
    func medianSeconds(repetitions: Int) -> Double {
        let clock = ContinuousClock()
        let times = (0...repetitions).map { _ in
            refill()
            let time = clock.measure {
                for product in products { MatMul.multiply(product) }
            }
            return time / .seconds(1)
        }
        return times.dropFirst().median  // The first one warms the caches.
    }

    private func refill() {
        let patternBytes = pattern.count * 2
        pattern.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            for region in regions {
                let count = Int(region.end - region.begin)
                let base = address(region.begin)
                for offset in stride(from: 0, to: count, by: patternBytes) {
                    (base + offset).copyMemory(from: start, byteCount: min(patternBytes, count - offset))
                }
            }
        }
    }

    private func relocated(_ operand: MatMul.Operand) -> MatMul.Operand {
        operand.isWeight ? operand : operand.moved(to: address(UInt(bitPattern: operand.address)))
    }

    /// Where the step's address lies here.
    private func address(_ original: UInt) -> UnsafeMutableRawPointer {
        var low = 0
        var high = regions.count
        while low < high {
            let middle = (low + high) / 2
            if regions[middle].end <= original { low = middle + 1 } else { high = middle }
        }
        guard low < regions.count, regions[low].begin <= original, let base = regions[low].base else {
            preconditionFailure("an operand outside every region")
        }
        return base + Int(regions[low].begin % UInt(Self.pageBytes)) + Int(original - regions[low].begin)
    }

    /// The memory of all operands but weights; operands that share bytes share a region.
    private static func merged(_ products: [MatMul.Product]) -> [Region] {
        var ranges: [Region] = []
        for product in products {
            for operand in product.terms.flatMap({ [$0.left, $0.right] }) where !operand.isWeight {
                let begin = UInt(bitPattern: operand.address)
                ranges.append(Region(begin: begin, end: begin + UInt(operand.byteCount)))
            }
            let begin = UInt(bitPattern: product.result.address)
            ranges.append(Region(begin: begin, end: begin + UInt(product.resultByteCount)))
        }
        ranges.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
        return ranges.reduce(into: []) { merged, range in
            if let last = merged.indices.last, range.begin < merged[last].end {
                merged[last].end = max(merged[last].end, range.end)
            } else {
                merged.append(range)
            }
        }
    }
}
