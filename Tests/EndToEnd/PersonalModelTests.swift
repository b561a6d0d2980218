import FixtureFiles
import Foundation
import Testing

/// Methods in which workers keep something for themselves, with the built-in model and its text.
@Suite("Runs in which workers keep state", .serialized)
struct PersonalModelTests {
    private static let run = """
        model: built-in
        data: {path: built-in, partition: worker}
        adapter: {rank: 4, alpha: 8, targets: all-linear}
        training: {local-steps: 3, batch-size: 4, sequence-length: 64, learning-rate: 0.003}
        federation: {workers: 4, rounds: 4, workers-per-round: 3, seed: 7}
        evaluation: {every: 1, source: workers}
        """

    struct Method: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let settings: [String]
    }

    private static let scaffold = Method(
        testDescription: "scaffold",
        settings: ["federation.strategy=scaffold", "training.optimizer=sgd", "training.learning-rate=0.3"])
    private static let fedSA = Method(testDescription: "fedsa", settings: ["federation.aggregation=fedsa"])
    private static let local = Method(
        testDescription: "local-adapter", settings: ["federation.personalisation=local-adapter"])

    private static let core = Method(
        testDescription: "fed-sb",
        settings: [
            "federation.aggregation=fed-sb", "evaluation.source=coordinator", "training.learning-rate=0.02",
        ])

    private let folder: ScratchFolder
    private let runFile: String

    init() throws {
        folder = ScratchFolder()
        runFile = try folder.write(Self.run, to: "run.yaml")
    }

    /// Runs a simulation and returns what its last line says.
    private func simulate(_ settings: [String], state: String, _ extra: String...) throws -> [String: Any] {
        let sets = settings.flatMap { ["--set", $0] }
        let outcome = try Program.start(
            ["simulate", "--config", runFile, "--state", folder.file(state), "--json"] + sets + extra
        ).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.last)
    }

    private func number(_ object: [String: Any], _ key: String) throws -> Double {
        try #require(object[key] as? NSNumber, "no number '\(key)' in \(object)").doubleValue
    }

    private func adapter(_ state: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder.file(state) + "/adapter/adapter_model.safetensors"))
    }

    @Test(
        "a run that all processes left half-way ends bit for bit as one that went through",
        arguments: [
            scaffold, fedSA, local, core,
        ])
    func interrupted(_ method: Method) throws {
        let whole = try simulate(method.settings, state: "whole", "--in-process")
        _ = try simulate(method.settings + ["federation.rounds=2"], state: "halves", "--in-process")
        let halves = try simulate(method.settings, state: "halves", "--in-process")
        #expect(try adapter("halves") == adapter("whole"))
        #expect(try number(halves, "finalLoss") == number(whole, "finalLoss"))
        #expect(try number(whole, "finalLoss") < number(whole, "baseLoss"))
    }

    @Test(
        "each worker's own model is a PEFT directory, and together they have the loss that was reported",
        arguments: [
            fedSA, local,
        ])
    func directories(_ method: Method) throws {
        let finished = try simulate(method.settings, state: "state")
        let workers = folder.file("state") + "/workers"
        var (sum, tokens) = (0.0, 0.0)
        for name in try FileManager.default.contentsOfDirectory(atPath: workers) {
            let outcome = try Program.run(
                "evaluate", "--model", "built-in", "--adapter", "\(workers)/\(name)/state/adapter", "--data",
                "\(workers)/\(name)/data.jsonl", "--split", "test", "--sequence-length", "64", "--json")
            // A worker without a held-out block reports none.
            guard outcome.code == 0 else { continue }
            let result = try #require(try outcome.objects.first)
            sum += try number(result, "loss") * number(result, "tokens")
            tokens += try number(result, "tokens")
        }
        #expect(abs(sum / tokens - (try number(finished, "finalLoss"))) < 1e-5)
    }

    @Test("FedSA-LoRA sends half as much, SCAFFOLD twice as much, and a local adapter nothing")
    func bytes() throws {
        let plain = try simulate([], state: "plain", "--in-process")
        let local = try simulate(Self.local.settings, state: "local", "--in-process")
        #expect(try adapter("local") == adapter("plain"))
        #expect(try number(local, "finalLoss") < number(plain, "finalLoss"))
        let uplink = { (object: [String: Any]) in try self.number(object, "uplinkBytes") }
        // Both evaluate and say hello alike; beside the updates there is little.
        let dense = try number(plain, "denseUplinkBytes")
        #expect(abs(try uplink(local) - uplink(plain)) < 0.02 * dense)
        let fedSA = try simulate(Self.fedSA.settings, state: "fedsa", "--in-process")
        #expect(try uplink(fedSA) < 0.75 * uplink(plain))
        let scaffold = try simulate(Self.scaffold.settings, state: "scaffold", "--in-process")
        #expect(try uplink(scaffold) > 1.8 * dense && uplink(scaffold) < 2.3 * dense)
    }

    @Test("Fed-SB sends its cores alone, and publishes an ordinary adapter with the loss that was reported")
    func coresAlone() throws {
        let finished = try simulate(Self.core.settings, state: "core")
        #expect(try number(finished, "finalLoss") < number(finished, "baseLoss"))
        let plain = try simulate([], state: "plain", "--in-process")
        #expect(try 4 * number(finished, "denseUplinkBytes") < number(plain, "denseUplinkBytes"))
        // 12 updates of cores, with what is said around them.
        #expect(try number(finished, "uplinkBytes") < number(finished, "denseUplinkBytes") + 200_000)
        var data = ""
        let workers = folder.file("state-data.jsonl")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.file("core") + "/workers").sorted() {
            data += folder.text("core/workers/\(name)/data.jsonl")
        }
        try data.write(toFile: workers, atomically: true, encoding: .utf8)
        let outcome = try Program.run(
            "evaluate", "--model", "built-in", "--adapter", folder.file("core") + "/adapter", "--data", workers,
            "--split", "test", "--sequence-length", "64", "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        let loss = try number(try #require(try outcome.objects.first), "loss")
        #expect(abs(loss - (try number(finished, "finalLoss"))) < 1e-5)
    }
}
