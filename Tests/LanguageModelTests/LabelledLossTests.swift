import Glibc
import LanguageModel
import ModelFiles
import Testing

/// Losses over some of the tokens only.
@Suite("Labelled tokens")
struct LabelledLossTests {
    private let fixture = LlamaFixture("gqa")

    /// A batch in which a position counts where `isTarget` says so.
    private func masked(_ batch: TokenBatch, _ isTarget: (Int, Int) -> Bool) -> TokenBatch {
        let labels = batch.tokens.indices.map { index in
            isTarget(index / batch.length, index % batch.length) ? batch.tokens[index] : -100
        }
        return TokenBatch(tokens: batch.tokens, labels: labels, blocks: batch.blocks, length: batch.length)
    }

    private func gradient(
        _ model: any CausalLanguageModel, _ batch: TokenBatch, _ adapter: LowRankAdapter
    ) -> (loss: Double, values: [Float]) {
        var gradient = [Float](repeating: 0, count: adapter.layout.parameterCount)
        let loss = model.lossAndGradient(
            batch, adapter: adapter, dropout: nil, gradientScale: 1, gradient: &gradient)
        return (loss, gradient)
    }

    @Test("a block's loss is the mean of its counted tokens' negative log-probabilities, from the logits")
    func losses() throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = masked(try fixture.batch()) { block, position in block != 1 && (position + block).isMultiple(of: 3)
        }
        let logits = model.logits(batch, adapter: adapter)
        let vocabulary = model.vocabularySize
        let losses = model.losses(batch, adapter: adapter)
        for block in 0..<batch.blocks {
            var sum = 0.0
            var count = 0
            for position in 1..<batch.length where batch.labels[block * batch.length + position] != -100 {
                let row = logits[((block * batch.length + position - 1) * vocabulary)...].prefix(vocabulary)
                let total = log(row.reduce(0.0) { $0 + exp(Double($1)) })
                sum += total - Double(row[row.startIndex + Int(batch.tokens[block * batch.length + position])])
                count += 1
            }
            #expect(batch.targetCounts[block] == count)
            #expect(abs(losses[block] - (count == 0 ? 0 : sum / Double(count))) < 1e-5)
        }
    }

    @Test("the gradient is that of the mean over all counted tokens: parts add up by their numbers of tokens")
    func gradients() throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        let first = masked(batch) { block, position in block == 0 || position.isMultiple(of: 4) }
        let second = masked(batch) { block, position in block != 0 && !position.isMultiple(of: 4) }
        let count = { (batch: TokenBatch) in Double(batch.targetCounts.reduce(0, +)) }
        let parts = (gradient(model, first, adapter), gradient(model, second, adapter))
        let whole = gradient(model, batch, adapter)
        let all = count(batch)
        #expect(count(first) + count(second) == all)
        #expect(abs((parts.0.loss * count(first) + parts.1.loss * count(second)) / all - whole.loss) < 1e-6)
        let sum = zip(parts.0.values, parts.1.values).map {
            Float((Double($0) * count(first) + Double($1) * count(second)) / all)
        }
        #expect(relativeDistance(sum, whole.values) < 1e-5)
    }

    @Test("a block without targets changes neither loss nor gradient")
    func emptyBlock() throws {
        let model = try fixture.model()
        let adapter = try fixture.adapter(for: model)
        let batch = try fixture.batch()
        let silent = gradient(model, masked(batch) { block, _ in block == 1 }, adapter)
        let range = batch.length..<(2 * batch.length)
        let alone = gradient(
            model, TokenBatch(tokens: Array(batch.tokens[range]), blocks: 1, length: batch.length), adapter)
        #expect(abs(silent.loss - alone.loss) < 1e-6)
        #expect(relativeDistance(silent.values, alone.values) < 1e-5)
        let none = gradient(model, masked(batch) { _, _ in false }, adapter)
        #expect(none.loss == 0 && none.values.allSatisfy { $0 == 0 })
    }
}
