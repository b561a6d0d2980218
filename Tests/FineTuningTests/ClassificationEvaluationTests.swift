import FineTuning
import FixtureFiles
import Foundation
import LanguageModel
import ModelFiles
import Randomness
import Testing

@Suite("Evaluation of a classifier")
struct ClassificationEvaluationTests {
    /// 150 examples of 1 to 20 tokens: more than one pass takes.
    private static func examples() throws -> ClassificationExamples {
        var random = CounterRandom(key: 9)
        let rows = (0..<150).map { index in
            DataRow(.text("\(random.index(below: 20) + 1) \(random.next())"), label: "abc".map { "\($0)" }[index % 3])
        }
        return try ClassificationExamples(.rows(rows), labels: ["a", "b", "c"], maximumLength: 24) { text, _ in
            let numbers = text.split(separator: " ").compactMap { UInt64($0) }
            var tokens = CounterRandom(key: numbers[1])
            return (0..<numbers[0]).map { _ in Int32(tokens.index(below: 47)) }
        }
    }

    @Test("losses and hits are those of each example alone, in order")
    func outcome() throws {
        let directory = FixtureFiles.path("architectures/bert")
        let model = try ModelDirectory(directory).loadClassifier(classes: 3)
        let stored = try AdapterDirectory.read(directory + "/adapter")
        let adapter = try LowRankAdapter(
            binding: stored.layout, values: stored.values, configuration: stored.configuration, to: model.linearLayers,
            savedModules: model.savedModules)
        let examples = try Self.examples()
        let found = try ClassificationEvaluation.outcome(of: examples, model: model, adapter: adapter)
        var hits = 0
        for example in 0..<examples.count {
            let logits = model.logits(examples.batch([example]), adapter: adapter).map(Double.init)
            let label = Int(examples[example].label)
            let loss = log(logits.reduce(0) { $0 + exp($1) }) - logits[label]
            #expect(abs(found.losses[example] - loss) < 1e-5)
            if logits.max() == logits[label] { hits += 1 }
        }
        #expect(found.losses.count == 150 && found.correct == hits)
        #expect(hits > 0 && hits < 150)
        #expect((0..<150).reduce(0) { $0 + examples.length(of: $1) } > 1024)
    }
}
