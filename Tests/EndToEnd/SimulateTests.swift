import FixtureFiles
import Foundation
import Testing

/// `shoal simulate` as a person runs it: real processes, real sockets, CURVE.
@Suite("Simulating a fleet", .serialized)
struct SimulateTests {
    /// A run of the built-in model that takes seconds.
    private static let quickRun = """
        model: built-in
        data: {path: built-in, partition: worker}
        adapter: {rank: 4, alpha: 8, targets: all-linear}
        training: {local-steps: 3, batch-size: 4, sequence-length: 64, optimizer: adamw, learning-rate: 0.003}
        federation: {workers: 4, rounds: 3, workers-per-round: 3, seed: 7}
        evaluation: {every: 1}
        """

    private let folder: ScratchFolder
    private let runFile: String

    init() throws {
        folder = ScratchFolder()
        runFile = try folder.write(Self.quickRun, to: "run.yaml")
    }

    private func number(_ object: [String: Any], _ key: String) throws -> Double {
        try #require(object[key] as? NSNumber, "no number '\(key)' in \(object)").doubleValue
    }

    @Test("real processes train an adapter that lowers the held-out loss, and say so in JSON")
    func realProcesses() throws {
        let state = folder.file("state")
        let outcome = try Program.run("simulate", "--config", runFile, "--state", state, "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        let objects = try outcome.objects
        let rounds = objects.filter { $0["event"] as? String == "round" }
        #expect(rounds.compactMap { $0["round"] as? Int } == [1, 2, 3])
        let finished = try #require(objects.last)
        #expect(finished["event"] as? String == "finished")
        #expect(try number(finished, "finalLoss") < number(finished, "baseLoss"))
        #expect(try number(finished, "tokensTrained") == 3 * 3 * 3 * 4 * 64)

        let adapter = try #require(finished["adapter"] as? String)
        #expect(adapter == state + "/adapter")
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            #expect(FileManager.default.fileExists(atPath: "\(adapter)/\(file)"))
        }
        let values = try adapterBytes(adapter)
        let dense = try number(finished, "denseUplinkBytes")
        #expect(dense == Double(9 * values))
        // Every accepted update crossed the link whole, so the true count is a little above the dense one.
        #expect(try number(finished, "uplinkBytes") > dense)
        #expect(try number(finished, "uplinkBytes") < 1.2 * dense + 200_000)
    }

    @Test("compressed updates still lower the loss, with a fraction of the bytes")
    func compressed() throws {
        let outcome = try Program.run(
            "simulate", "--config", runFile, "--state", folder.file("eden"), "--set", "compression.uplink=eden:bits=2",
            "--json")
        try #require(outcome.code == 0, "\(outcome.errors)")
        let finished = try #require(try outcome.objects.last)
        #expect(try number(finished, "finalLoss") < number(finished, "baseLoss"))
        #expect(try number(finished, "uplinkBytes") < number(finished, "denseUplinkBytes") / 2)

    }

    @Test("a compressed downlink gives the same adapter in processes, in one process and after an interruption")
    func compressedDownlink() throws {
        func finish(_ name: String, _ extra: String...) throws -> (adapter: Data, downlinkBytes: Double) {
            let arguments = [
                "simulate", "--config", runFile, "--state", folder.file(name), "--json", "--set",
                "compression.downlink=ternary:density=0.1", "--set", "federation.rounds=4",
            ]
            let outcome = try Program.start(arguments + extra).finish()
            try #require(outcome.code == 0, "\(outcome.errors)")
            let adapter = try Data(
                contentsOf: URL(fileURLWithPath: folder.file(name) + "/adapter/adapter_model.safetensors"))
            return (adapter, try number(try #require(try outcome.objects.last), "downlinkBytes"))
        }
        let processes = try finish("processes")
        let one = try finish("one", "--in-process")
        #expect(one.adapter == processes.adapter)
        // Stopped after two rounds and continued: workers and coordinator start anew, with the residual of both rounds.
        _ = try finish("continued", "--in-process", "--set", "federation.rounds=2")
        let continued = try finish("continued", "--in-process")
        #expect(continued.adapter == processes.adapter)
        let dense = try finish("dense", "--in-process", "--set", "compression.downlink=dense")
        #expect(dense.adapter != processes.adapter)
        #expect(one.downlinkBytes < dense.downlinkBytes * 0.8)
    }

    @Test("slow workers hold up rounds, and an asynchronous run less", arguments: [[], ["--in-process"]])
    func asynchronous(extra: [String]) throws {
        let arguments = [
            "simulate", "--config", runFile, "--json", "--set", "simulation.slow-share=0.25", "--set",
            "simulation.slow-factor=5", "--set", "simulation.step-time=50ms", "--set", "federation.rounds=6",
            "--set", "federation.schedule=asynchronous", "--set", "federation.buffer-size=2", "--set",
            "federation.concurrency=4", "--state",
        ]
        let outcome = try Program.start(arguments + [folder.file("asynchronous")] + extra).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        let rounds = try outcome.objects.filter { $0["event"] as? String == "round" }
        #expect(rounds.compactMap { $0["round"] as? Int } == Array(1...6))
        #expect(rounds.allSatisfy { $0["workers"] as? Int == 2 && $0["staleness"] is NSNumber })
        let finished = try #require(try outcome.objects.last)
        #expect(try number(finished, "finalLoss") < number(finished, "baseLoss"))
        // A task takes three quick workers 0.15 virtual seconds: 12 updates in four times that, give or take the slow
        // one's.
        guard !extra.isEmpty else { return }
        let seconds = try rounds.reduce(0) { $0 + (try number($1, "seconds")) }
        #expect(seconds > 0.4 && seconds < 0.8)
    }

    /// Bytes of tensor data in an adapter file, worked out from its header alone.
    private func adapterBytes(_ adapter: String) throws -> Int {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: adapter + "/adapter_model.safetensors"))
        let header = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
        return bytes.count - 8 - header
    }

    @Test("the same seed gives the same adapter, bit for bit, in processes and in one process")
    func reproducible() throws {
        func adapter(_ name: String, _ extra: String...) throws -> Data {
            let arguments = ["simulate", "--config", runFile, "--state", folder.file(name), "--json"] + extra
            let outcome = try Program.start(arguments).finish()
            try #require(outcome.code == 0, "\(outcome.errors)")
            return try Data(
                contentsOf: URL(fileURLWithPath: folder.file(name) + "/adapter/adapter_model.safetensors"))
        }
        let first = try adapter("first")
        #expect(try adapter("second") == first)
        #expect(try adapter("third", "--in-process") == first)
        #expect(try adapter("fourth", "--in-process", "--seed", "8") != first)
    }

    @Test("what a biased codec leaves out is fed back alike in processes, in one process and after an interruption")
    func errorFeedback() throws {
        func adapter(_ name: String, _ extra: String...) throws -> Data {
            let arguments = [
                "simulate", "--config", runFile, "--state", folder.file(name), "--json", "--set",
                "compression.uplink=ternary:density=0.02", "--set", "federation.rounds=5",
            ]
            let outcome = try Program.start(arguments + extra).finish()
            try #require(outcome.code == 0, "\(outcome.errors)")
            return try Data(
                contentsOf: URL(fileURLWithPath: folder.file(name) + "/adapter/adapter_model.safetensors"))
        }
        let processes = try adapter("processes")
        #expect(try adapter("one", "--in-process") == processes)
        // Two rounds, then the others: the residuals come from the workers' folders.
        _ = try adapter("parts", "--in-process", "--set", "federation.rounds=2")
        #expect(try adapter("parts", "--in-process") == processes)
        #expect(try adapter("off", "--in-process", "--set", "compression.error-feedback=false") != processes)
    }

    @Test("an interrupted run keeps its state, and the same command resumes it")
    func interrupted() throws {
        let state = folder.file("state")
        let arguments = [
            "simulate", "--config", runFile, "--state", state, "--json", "--set", "federation.rounds=400",
        ]
        let running = try Program.start(arguments)
        try running.waitFor("\"round\":2")
        running.send(SIGINT)
        let stopped = try running.finish(limitSeconds: 60)
        #expect(stopped.code == 130, "\(stopped.errors)")
        let done = try stopped.objects.compactMap { $0["round"] as? Int }.max() ?? 0
        // Rounds whose evaluation was still under way are reported by the program that resumes them.
        let resumed = try Program.run(
            "simulate", "--config", runFile, "--state", state, "--json", "--set", "federation.rounds=\(done + 30)")
        try #require(resumed.code == 0, "\(resumed.errors)")
        let rounds = try resumed.objects.filter { $0["event"] as? String == "round" }.compactMap { $0["round"] as? Int }
        #expect(rounds == Array(done + 1...done + 30))
    }

    @Test("a run file that changed under an existing state is refused, naming the key")
    func changedRunFile() throws {
        let state = folder.file("state")
        #expect(try Program.run("simulate", "--config", runFile, "--state", state, "--in-process").code == 0)
        let refused = try Program.run(
            "simulate", "--config", runFile, "--state", state, "--in-process", "--set", "adapter.rank=2")
        #expect(refused.code == 2)
        #expect(refused.errors.contains("adapter.rank"))
    }

    @Test("a finished run, asked for again, tells the same totals")
    func finishedAgain() throws {
        let arguments = ["simulate", "--config", runFile, "--state", folder.file("state"), "--json", "--in-process"]
        let first = try #require(try Program.start(arguments).finish().objects.last)
        let again = try #require(try Program.start(arguments).finish().objects.last)
        for key in ["baseLoss", "finalLoss", "uplinkBytes", "downlinkBytes", "denseUplinkBytes", "tokensTrained"] {
            #expect(try number(again, key) == number(first, key), "\(key)")
        }
    }

    @Test("a run in which every worker's training diverges ends and says why", arguments: [[], ["--in-process"]])
    func divergence(extra: [String]) throws {
        let arguments = ["simulate", "--config", runFile, "--state", folder.file("state")]
        let outcome = try Program.start(arguments + ["--set", "training.learning-rate=1e30"] + extra).finish()
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("round 1 cannot close"), "\(outcome.errors)")
    }
}
