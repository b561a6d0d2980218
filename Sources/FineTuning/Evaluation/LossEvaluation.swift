public import LanguageModel

/// Losses of a set of blocks, as sums that can be added over workers.
public struct BlockLosses: Hashable, Sendable {
    public var items = 0
    /// Sum over blocks of the block's mean loss. Unit: nats a token.
    public var lossSum = 0.0
    /// Sum of the squares of the same.
    public var squaredLossSum = 0.0

    public init() {}

    public init(_ losses: [Double]) {
        for loss in losses { add(loss) }
    }

    public mutating func add(_ loss: Double) {
        items += 1
        lossSum += loss
        squaredLossSum += loss * loss
    }

    /// Mean over blocks; not a number without blocks.
    public var mean: Double { lossSum / Double(items) }

    /// Standard error of `mean`, blocks taken as independent; 0 for fewer than two blocks.
    public var standardError: Double {
        guard items > 1 else { return 0 }
        let count = Double(items)
        let variance = max(0, squaredLossSum - lossSum * lossSum / count) / (count - 1)
        return (variance / count).squareRoot()
    }
}

/// Evaluates an adapter without training it.
public enum LossEvaluation {
    /// Blocks in one forward pass: enough for full-speed products, small enough for little memory.
    private static let blocksAtOnce = 16

    /// The loss of every block, in order. Dropout is off.
    public static func losses(
        of blocks: TokenBlocks, model: any CausalLanguageModel, adapter: LowRankAdapter?
    ) throws(TrainingError) -> [Double] {
        guard blocks.count > 0 else { throw .noBlocks(length: blocks.length) }
        guard blocks.length <= model.maximumLength else {
            throw .blocksTooLong(length: blocks.length, maximum: model.maximumLength)
        }
        var losses: [Double] = []
        losses.reserveCapacity(blocks.count)
        for start in stride(from: 0, to: blocks.count, by: blocksAtOnce) {
            let chosen = Array(start..<min(start + blocksAtOnce, blocks.count))
            losses += model.losses(blocks.batch(chosen), adapter: adapter)
        }
        return losses
    }
}
