import FineTuning
import FixtureFiles
import Foundation
import ModelFiles
import Recipe
import RunFile
import Synchronization
import Testing
import Wire
import Worker

/// What stays at home is looked for in every byte that leaves.
@Suite("Why a worker gives something up, as its coordinator hears it")
struct TaskReasonTests {
    private static let marker = "HIV positive, under treatment"
    private let bench = WorkerBench()
    private let folder = ScratchFolder()

    /// Everything sent, as it travels, since the last call.
    private func travelled() -> String {
        bench.sent().map { String(decoding: WireCodec.encode($0.envelope), as: UTF8.self) }.joined(separator: "\n")
    }

    private var log: String { bench.events.map { "\($0)" }.joined(separator: "\n") + (bench.failure ?? "") }

    private static let row = #"{"text": "w1 w2", "label": "low"}"# + "\n"

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let file: String
        let text: String
        var classNames = ["low", "high"]
        /// What the worker's own log says and the coordinator does not hear.
        let own: [String]
        let told: String
    }

    @Test(
        "neither cells, nor paths, nor lines, nor counts",
        arguments: [
            Case(
                testDescription: "a label that is none of the run's", file: "clinic.jsonl",
                text: row + #"{"text": "w1", "label": "\#(marker)"}"# + "\n", own: [marker, "clinic.jsonl:2"],
                told: "a label is none of data.labels"),
            Case(
                testDescription: "a header that is a row", file: "clinic.csv",
                text: "\(marker.dropLast(1)),w1\nw2,w3\n",
                own: ["HIV positive", "clinic.csv, record 1"], told: "a row has not the form it takes"),
            Case(
                testDescription: "a row of another form", file: "clinic.jsonl",
                text: row + #"{"\#(marker)": "w1"}"# + "\n", own: ["clinic.jsonl:2"],
                told: "a row has not the form it takes"),
            Case(
                testDescription: "an empty file", file: "clinic.txt", text: "", classNames: [],
                own: ["clinic.txt"], told: "this worker's data file cannot be used"),
            Case(
                testDescription: "a file that is gone", file: "", text: "", own: ["absent.jsonl"],
                told: "this worker cannot read its data"),
            Case(
                testDescription: "prompts as long as blocks", file: "clinic.jsonl",
                text: "{\"prompt\": \"\(String(repeating: "a b c ", count: 60))\", \"completion\": \"d\"}\n",
                classNames: [], own: [" train tokens: skipped"],
                told: "this worker's training text has nothing to learn"),
        ])
    func data(_ given: Case) throws {
        let path = folder.file(given.file.isEmpty ? "absent.jsonl" : given.file)
        if !given.file.isEmpty { try AtomicFile.write(Array(given.text.utf8), to: path) }
        let model = try given.classNames.isEmpty ? FixtureFiles.packagePath("Sources/CBuiltIn/files") : classifier()
        let options = TrainingOptions(localSteps: 1, sequenceLength: 16, classNames: given.classNames)
        try bench.start()
        bench.beginTask()
        bench.forgetSent()
        var task = try #require(bench.runner.started.first)
        (task.training, task.modelPath) = (options, model)
        if given.classNames.isEmpty {
            let plan = try TaskModel(path: model, options: options).adapterPlan(task.adapterOptions)
            (task.layout, task.values) = (plan.layout, [Float](repeating: 0, count: plan.layout.parameterCount))
        }
        let outcome = Mutex<TaskEvent?>(nil)
        LocalTraining(data: .file(path), compute: { $0() }).start(task) { event in outcome.withLock { $0 = event } }
        bench.runner.report(try #require(outcome.withLock { $0 }))
        bench.tick()
        let declined = try #require(bench.declines.first).reason
        // Not even the size of the text is in it.
        #expect(!declined.contains { $0.isNumber }, "\(declined)")
        let travelled = travelled()
        for words in given.own {
            #expect(log.contains(words), "\(log)")
            #expect(!travelled.contains(words), "\(travelled)")
        }
        #expect(travelled.contains(given.told), "\(travelled)")
        #expect(!travelled.contains(folder.file("")) && !travelled.contains("HIV"))
        #expect(bench.failure != nil)
    }

    private struct Stranger: Error, CustomStringConvertible {
        var description: String { "/home/ada/\(marker).txt has 4711 rows" }
    }

    @Test func anErrorThatSaysNothingOfCoordinatorsTellsThemNothing() throws {
        try bench.start()
        bench.beginTask()
        bench.forgetSent()
        bench.runner.report(.failed(reason: TaskReason(Stranger())))
        bench.tick()
        let travelled = travelled()
        #expect(travelled.contains("this worker cannot carry out the task; its own log says why"))
        #expect(!travelled.contains("HIV") && !travelled.contains("4711") && !travelled.contains("/home"))
        #expect(log.contains("\(Stranger())"))
    }

    @Test(
        "what a policy counts stays here",
        arguments: [
            ("training: {minimum-examples: 50}", "training.minimum-examples 50: this worker has fewer to train on"),
            ("training: {minimum-steps: 10}", "training.minimum-steps 10: the round has fewer over this worker's text"),
        ])
    func policy(yaml: String, told: String) throws {
        try bench.start(policy: try OwnerPolicy(yaml: yaml))
        bench.openSession()
        var offer = bench.offer()
        offer.training = TrainingOptions(localSteps: 10, batchSize: 4)
        offer.training.localEpochs = 1
        bench.receive(.offer(offer), round: 4, attempt: 1)
        bench.serveAll([bench.adapter])
        let refusal = try #require(bench.runner.started.first?.refusal?(28, .train))
        bench.forgetSent()
        bench.runner.report(.failed(reason: TaskReason(refusal)))
        bench.tick()
        let travelled = travelled()
        // 28 blocks are seven steps.
        #expect(travelled.contains(told) && !travelled.contains("28") && !travelled.contains("7"), "\(travelled)")
        #expect(log.contains("(28)") || log.contains("(7)"), "\(log)")
    }

    @Test func whatSingleExamplesHavePaidStaysHere() throws {
        var policy = OwnerPolicy()
        policy.required = [.exampleNoise]
        (policy.exampleEpsilon, policy.delta) = (0.5, 1e-5)
        try bench.start(policy: policy)
        bench.openSession()
        var offer = bench.offer()
        offer.training = TrainingOptions(localSteps: 900, batchSize: 4)
        (offer.training.exampleClip, offer.training.exampleNoiseMultiplier) = (1, 0.6)
        bench.receive(.offer(offer), round: 4, attempt: 1)
        bench.serveAll([bench.adapter])
        let (steps, reason) = try PrivateSteps.paid(try #require(bench.runner.started.first), count: 64)
        #expect(steps == nil)
        let refusal = try #require(reason)
        // The rate, 4 of 64 examples, is the size of the text.
        #expect(refusal.own.contains("0.0625") && refusal.own.contains(" is spent"))
        #expect(!refusal.told.contains("0.0625") && !refusal.told.contains("is spent"))
        #expect(refusal.told.contains("budget.example-epsilon 0.5: 900 more steps would overspend it at delta 1e-05"))
    }

    /// A classifier whose word `wN` is token N.
    private func classifier() throws -> String {
        let (fixture, model) = (FixtureFiles.path("architectures/bert"), folder.file("model"))
        try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
        for name in ["config.json", "model.safetensors"] {
            try FileManager.default.copyItem(atPath: "\(fixture)/\(name)", toPath: "\(model)/\(name)")
        }
        let vocabulary = (0..<47).map { "\"w\($0)\": \($0)" }.joined(separator: ", ")
        let tokenizer =
            """
            {"version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null, "decoder": null,
             "truncation": null, "padding": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
             "model": {"type": "WordPiece", "unk_token": "w0", "continuing_subword_prefix": "##",
                       "max_input_chars_per_word": 100, "vocab": {\(vocabulary)}}}
            """
        try AtomicFile.write(Array(tokenizer.utf8), to: model + "/tokenizer.json")
        return model
    }
}
