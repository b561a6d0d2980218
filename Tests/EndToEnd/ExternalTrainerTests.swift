import FixtureFiles
import Foundation
import Testing

/// Workers that train with a program of their owner's.
@Suite("External trainers")
struct ExternalTrainerTests {
    private let folder = ScratchFolder()

    /// - Parameter script: Runs in the task's folder.
    private func simulate(_ script: String, share: String? = nil, settings: [String] = []) throws -> Program.Outcome {
        let path = try folder.write(script, to: "trainer.sh")
        var arguments = [
            "simulate", "--json", "--state", folder.file("state"), "--workers", "2", "--set",
            "training.command=[sh, \(path)]", "--set", "federation.rounds=1", "--set", "training.local-steps=2",
            "--set",
            "federation.workers-per-round=2",
        ]
        if let share { arguments += ["--set", "simulation.command-share=\(share)"] }
        for setting in settings { arguments += ["--set", setting] }
        return try Program.start(arguments).finish(limitSeconds: 240)
    }

    @Test("a fleet of native and external trainers trains one adapter from the files that the page describes")
    func mixed() throws {
        let copy = folder.file("seen")
        let outcome = try simulate(
            """
            set -e
            cp -r "$SHOAL_TASK" '\(copy)'
            echo '{"step": 1, "loss": 7.5}'
            echo 'not a progress line'
            cp -r adapter-in adapter-out
            echo '{"trainLoss": 7.25, "steps": 2, "tokens": 64, "joules": 1000}' > metrics.json
            """, share: "0.5")
        try #require(outcome.code == 0, "\(outcome.errors)")
        let round = try #require(try outcome.objects.first { $0["event"] as? String == "round" })
        #expect(round["workers"] as? Int == 2)
        // The mean of one that said 7.25 and one that trained: the base model knows the text better than that.
        let loss = try #require(round["trainLoss"] as? Double)
        #expect(loss > 4 && loss < 7.25)

        let task = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: copy + "/task.json")))
                as? [String: Any])
        #expect(task["version"] as? Int == 1 && task["round"] as? Int == 1 && task["task"] as? String == "causal-lm")
        let training = try #require(task["training"] as? [String: Any])
        #expect(training["localSteps"] as? Int == 2 && training["stepsBefore"] as? Int == 0)
        let model = try #require(task["model"] as? String)
        #expect(FileManager.default.fileExists(atPath: model + "/config.json"))
        let length = try #require(training["sequenceLength"] as? Int)
        let lines = try String(contentsOfFile: copy + "/examples.jsonl", encoding: .utf8).split(separator: "\n")
        #expect(!lines.isEmpty)
        for line in lines {
            let example = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [Int]])
            #expect(example["input_ids"]?.count == length && example["labels"]?.count == length)
        }
        #expect(FileManager.default.fileExists(atPath: copy + "/adapter-in/adapter_model.safetensors"))
        // Nothing of the private text stays behind.
        let worker = try #require(task["worker"] as? String)
        let left = try FileManager.default.contentsOfDirectory(
            atPath: folder.file("state/workers/\(worker)/state/trainer"))
        #expect(left == ["trainer.log"])
        let mode = try FileManager.default.attributesOfItem(atPath: copy + "/examples.jsonl")[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("a base that shoal quantize made is refused at start with its line, and by a worker with a trainer")
    func quantised() throws {
        let model = folder.file("int8")
        let made = try Program.run("quantize", "--model", "built-in", "--to", "int8", "--out", model)
        try #require(made.code == 0, "\(made.errors)")
        let file = try folder.write(
            """
            model: \(model)
            data: {path: built-in, partition: worker}
            adapter: {rank: 4, alpha: 8, targets: all-linear}
            training:
              local-steps: 1
              batch-size: 2
              sequence-length: 32
              learning-rate: 0.003
              command: [sh, train.sh]
            federation: {workers: 2, rounds: 1, workers-per-round: 2}
            """, to: "quantised.yaml")
        let outcome = try Program.run("simulate", "--config", file, "--state", folder.file("never"))
        #expect(outcome.code == 2)
        #expect(outcome.errors.contains("quantised.yaml:9: "), "\(outcome.errors)")
        #expect(outcome.errors.contains("which is quantised (int8); take the model that it was made from"))
        #expect(!FileManager.default.fileExists(atPath: folder.file("never")))
        let federation = try LocalFederation(workerCount: 1, rounds: 1, workersPerRound: 1, localSteps: 1)
        let join = try federation.invite(federation.workers[0])
        let text = try folder.write("{\"text\": \"Some text of the owner's.\"}\n", to: "text.jsonl")
        let worker = try Program.run(
            "worker", "--join", join, "--data", text, "--model", model, "--state", folder.file("w"), "--trainer", "sh")
        #expect(worker.code == 2 && worker.errors.contains("which is quantised (int8)"), "\(worker.errors)")
        // Without a trainer the same base is as good as any.
        let plain = try folder.write(
            folder.text("quantised.yaml").replacing("  command: [sh, train.sh]\n", with: ""), to: "plain.yaml")
        let native = try Program.run("simulate", "--config", plain, "--state", folder.file("native"))
        #expect(native.code == 0, "\(native.errors)")
    }

    @Test(
        "a trainer that leaves no update is declined with a reason that tells nothing of what it said",
        arguments: [
            ("echo 'Mrs Miller coughs' >&2; exit 3", "ended with code 3"),
            ("kill -9 $$", "ended by signal 9"),
            ("exit 0", "no usable adapter: adapter-out cannot be read"),
            // A progress bar that only moves back is one line to others: it is told what is wrong.
            ("yes Miller | tr -d '\\n'", "trainer was ended: it printed more than 128 KiB without a line break"),
            (
                "cp -r adapter-in adapter-out; echo '{\"steps\": 2}' > metrics.json",
                "no usable metrics.json: trainLoss is missing"
            ),
            (
                "cp -r adapter-in adapter-out; echo '{\"trainLoss\": 1, \"steps\": 100000}' > metrics.json",
                "no usable metrics.json: steps is 100000, and the task asks for at most"
            ),
            (
                "cp -r adapter-in adapter-out; echo '{\"trainLoss\": 1e308}' > metrics.json",
                "no usable metrics.json: trainLoss is not within"
            ),
            (
                "cp -r adapter-in adapter-out; echo '{\"trainLoss\": 1, \"joules\": 1e300}' > metrics.json",
                "no usable metrics.json: joules is not within"
            ),
            (
                "cp -r adapter-in adapter-out; echo 'Mrs Miller' > metrics.json",
                "no usable metrics.json: it cannot be read"
            ),
        ])
    func failing(script: String, reason: String) throws {
        let outcome = try simulate(script)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains(reason), "\(outcome.errors)")
        #expect(!outcome.errors.contains("Miller") && !outcome.output.contains("Miller"))
    }

    @Test("what a killed worker's trainer left is ended, and a trainer's own children end with it")
    func left() throws {
        let federation = try LocalFederation(workerCount: 1, rounds: 1, workersPerRound: 1, localSteps: 2)
        let (first, child) = (federation.folder.file("first"), federation.folder.file("child"))
        let script = try federation.folder.write(
            """
            set -e
            if [ ! -e '\(first)' ]; then echo $$ > '\(first)'; while :; do sleep 0.1; done; fi
            sleep 1000 </dev/null >/dev/null 2>&1 &
            echo $! > '\(child)'
            cp -r adapter-in adapter-out
            echo '{"trainLoss": 2, "steps": 2}' > metrics.json
            """, to: "train.sh")
        let worker = federation.workers[0]
        try federation.invite(worker)
        let coordinator = try federation.startCoordinator()
        let killed = try federation.startWorker(worker, options: ["--trainer", "sh", script])
        try #require(waitUntil(limitSeconds: 60) { process(first) != nil })
        killed.send(SIGKILL)
        _ = try killed.finish()
        let abandoned = try #require(process(first))
        #expect(kill(abandoned, 0) == 0)
        let again = try federation.startWorker(worker, options: ["--trainer", "sh", script])
        #expect(try coordinator.finish(limitSeconds: 120).code == 0)
        #expect(try again.finish(limitSeconds: 60).code == 0)
        #expect(waitUntil(limitSeconds: 30) { kill(abandoned, 0) != 0 })
        let left = try #require(process(child))
        #expect(waitUntil(limitSeconds: 30) { kill(left, 0) != 0 })
    }

    /// The process whose number stands in a file.
    private func process(_ file: String) -> Int32? {
        (try? String(contentsOfFile: file, encoding: .utf8))
            .flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    @Test("a trainer that takes too long is ended with what it started")
    func slow() throws {
        let outcome = try simulate(
            "sleep 1000 & echo $! > '\(folder.file("child"))'; wait", settings: ["training.command-time-limit=1s"])
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("took longer than 1 s"), "\(outcome.errors)")
        let child = try #require(Int32(folder.text("child").trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(waitUntil(limitSeconds: 30) { kill(child, 0) != 0 })
    }

    @Test(
        "a coordinator starts no program, wherever its run file came from, and an unknown program is named in the log")
    func refusals() throws {
        let outcome = try Program.start([
            "simulate", "--in-process", "--set", "training.command=[true]",
        ]).finish()
        #expect(outcome.code == 2 && outcome.errors.contains("leave out --in-process"))
        let unknown = try Program.start([
            "simulate", "--json", "--state", folder.file("unknown"), "--workers", "2", "--set",
            "training.command=[no-such-program]", "--set", "federation.rounds=1", "--set",
            "federation.workers-per-round=2",
        ]).finish()
        #expect(unknown.code == 1 && unknown.errors.contains("could not be started"), "\(unknown.errors)")
    }
}
