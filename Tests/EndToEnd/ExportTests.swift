import FixtureFiles
import Foundation
import Testing

/// `shoal run export` after short runs of every aggregation, as a person runs it.
@Suite("Exporting a run's global model")
struct ExportTests {
    private let folder = ScratchFolder()

    private func number(_ outcome: Program.Outcome, _ key: String) throws -> Double {
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try outcome.objects.last?[key] as? NSNumber, "no number '\(key)'").doubleValue
    }

    /// Three workers of different texts, and text of each to evaluate on.
    private func data() throws -> String {
        let words = [["ward", "nurse", "dose"], ["flood", "river", "dam"], ["loan", "rate", "bank"]]
        var lines = ""
        for (index, own) in words.enumerated() {
            for row in 0..<60 {
                let text =
                    "The \(own[row % 3]) number \(row) of the \(own[(row + 1) % 3]) is near the \(own[(row + 2) % 3])."
                let split = row < 45 ? "train" : "test"
                lines += "{\"text\": \"\(text)\", \"worker\": \"w\(index)\", \"split\": \"\(split)\"}\n"
            }
        }
        return try folder.write(lines, to: "data.jsonl")
    }

    private func simulate(_ data: String, _ name: String, _ settings: String...) throws -> Program.Outcome {
        let run = try folder.write(
            """
            model: built-in
            data: {path: \(data), partition: worker}
            adapter: {rank: 4, alpha: 16, targets: all-linear}
            training: {local-steps: 6, batch-size: 4, sequence-length: 32, learning-rate: 0.01}
            federation: {workers: 3, rounds: 3, seed: 5}
            """, to: "\(name).yaml")
        var arguments = ["simulate", "--config", run, "--in-process", "--state", folder.file(name), "--json"]
        for setting in settings { arguments += ["--set", setting] }
        return try Program.start(arguments).finish()
    }

    private func loss(_ data: String, model: String = "built-in", adapter: String?) throws -> Double {
        let start = [
            "evaluate", "--model", model, "--data", data, "--split", "test", "--sequence-length", "32", "--json",
        ]
        return try number(Program.start(start + (adapter.map { ["--adapter", $0] } ?? [])).finish(), "loss")
    }

    @Test(
        "adapter and merged weights have the loss that the run ended with",
        arguments: [
            ["federation.aggregation=separate"], ["federation.aggregation=hetlora", "adapter.rank=[2, 4, 6]"],
            ["federation.aggregation=flexlora", "adapter.rank=[2, 4, 6]"], ["federation.aggregation=fedex-lora"],
            ["federation.aggregation=flora", "adapter.rank=[2, 4, 6]"],
            ["federation.aggregation=flora", "federation.residual-rank=3"], ["federation.aggregation=ffa-lora"],
            ["federation.aggregation=rolora"], ["federation.aggregation=fed-sb", "adapter.rank=8"],
        ])
    func reproduces(_ settings: [String]) throws {
        let data = try data()
        let outcome = try simulate(data, "run", settings[0], settings.count > 1 ? settings[1] : "federation.seed=6")
        let final = try number(outcome, "finalLoss")
        #expect(final < (try number(outcome, "baseLoss")))

        let adapter = folder.file("adapter")
        let exported = try Program.run("run", "export", folder.file("run"), "--out", adapter, "--json")
        #expect(try number(exported, "rank") >= 4)
        #expect(abs(try loss(data, adapter: adapter) - final) < 1e-5 * final)

        let merged = folder.file("merged")
        let outcomeOfMerge = try Program.run(
            "run", "export", folder.file("run"), "--out", merged, "--merge", "built-in", "--json")
        #expect(outcomeOfMerge.code == 0, "\(outcomeOfMerge.errors)")
        // Merged weights have the base's element type, and the built-in one's is bfloat16.
        #expect(abs(try loss(data, model: merged, adapter: nil) - final) < 1e-3 * final)
    }

    /// The versions that a run's state holds, as they were published: with tensors of this ending.
    private func published(_ state: String, ending: String) throws -> [StoredTensors] {
        let folder = folder.file(state) + "/blobs"
        let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        return names.compactMap { StoredTensors("\(folder)/\($0)") }.filter { !$0.layers(ending).isEmpty }
    }

    /// `ΔW = α/r · B · A` of each layer of an exported adapter, next to what the run's own published factors make.
    private func expectSameProducts(
        _ exported: StoredTensors, scale: Double, _ wanted: (_ layer: String) throws -> [Double]
    ) throws {
        let layers = exported.layers(".lora_A.weight")
        #expect(!layers.isEmpty)
        for layer in layers {
            let found = naiveProduct(
                try exported.matrix(layer + ".lora_B.weight"), try exported.matrix(layer + ".lora_A.weight"))
            let wanted = try wanted(layer)
            let size = wanted.map(abs).max() ?? 0
            #expect(size > 0 && found.values.count == wanted.count)
            for (value, expected) in zip(found.values, wanted) { #expect(abs(scale * value - expected) < 1e-5 * size) }
        }
    }

    @Test(
        "an exported adapter is the product of the factors that were published",
        arguments: [
            ["federation.aggregation=ffa-lora"], ["federation.aggregation=rolora"],
            ["federation.personalisation=local-adapter", "evaluation.source=workers"],
        ])
    func publishedFactors(_ settings: [String]) throws {
        let outcome = try simulate(try data(), "run", settings[0], settings.last ?? "")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let out = folder.file("adapter")
        #expect(try Program.run("run", "export", folder.file("run"), "--out", out).code == 0)
        let exported = try #require(StoredTensors(out + "/adapter_model.safetensors"))
        let published = try published("run", ending: ".lora_B.weight")
        #expect(!published.isEmpty)
        let matching = try published.filter { own in
            try own.layers(".lora_A.weight").allSatisfy {
                try own.matrix($0 + ".lora_B.weight").values == exported.matrix($0 + ".lora_B.weight").values
                    && own.matrix($0 + ".lora_A.weight").values == exported.matrix($0 + ".lora_A.weight").values
            }
        }
        let own = try #require(matching.first, "no published adapter has the exported factors")
        let scale = try exportedScale(out)
        #expect(scale == 16.0 / 4)
        try expectSameProducts(exported, scale: scale) { layer in
            naiveProduct(try own.matrix(layer + ".lora_B.weight"), try own.matrix(layer + ".lora_A.weight")).values
                .map { 4 * $0 }
        }
    }

    @Test("an exported adapter of fed-sb is the last published core between orthonormal factors")
    func core() throws {
        let outcome = try simulate(try data(), "run", "federation.aggregation=fed-sb", "adapter.rank=8")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let out = folder.file("adapter")
        #expect(try Program.run("run", "export", folder.file("run"), "--out", out).code == 0)
        let exported = try #require(StoredTensors(out + "/adapter_model.safetensors"))
        let scale = try exportedScale(out)
        #expect(scale == 16.0 / 8)
        let cores = try published("run", ending: ".lora_R.weight")
        // With orthonormal columns in B and rows in A: (B·R)ᵀ(B·R) = RᵀR, and A·Aᵀ = 1.
        let matches = try cores.map { core in
            try core.layers(".lora_R.weight").allSatisfy { layer in
                let (r, b) = (try core.matrix(layer + ".lora_R.weight"), try exported.matrix(layer + ".lora_B.weight"))
                let wanted = naiveProduct(transposed(r), r).values
                let size = wanted.map(abs).max() ?? 0
                return size > 0
                    && zip(naiveProduct(transposed(b), b).values, wanted).allSatisfy { abs($0 - $1) < 1e-5 * size }
            }
        }
        // Round by round the cores differ: the last one alone is the export's.
        #expect(cores.count == 4 && matches.count { $0 } == 1)
        for layer in exported.layers(".lora_A.weight") {
            let a = try exported.matrix(layer + ".lora_A.weight")
            for (place, value) in naiveProduct(a, transposed(a)).values.enumerated() {
                #expect(abs(value - (place / a.rows == place % a.rows ? 1 : 0)) < 1e-5)
            }
        }
    }

    private func transposed(
        _ matrix: (rows: Int, columns: Int, values: [Double])
    ) -> (rows: Int, columns: Int, values: [Double]) {
        var values = matrix.values
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns {
                values[column * matrix.rows + row] = matrix.values[row * matrix.columns + column]
            }
        }
        return (matrix.columns, matrix.rows, values)
    }

    private func exportedScale(_ adapter: String) throws -> Double {
        let text = try #require(FileManager.default.contents(atPath: adapter + "/adapter_config.json"))
        let settings = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        let alpha = try #require(settings["lora_alpha"] as? NSNumber).doubleValue
        return alpha / (try #require(settings["r"] as? NSNumber).doubleValue)
    }

    @Test("a cut adapter has the rank that was asked for, says its error, and is worse the lower it is")
    func cut() throws {
        let data = try data()
        let final = try number(try simulate(data, "run", "federation.aggregation=flora"), "finalLoss")
        var (errors, distances): ([Double], [Double]) = ([], [])
        for rank in [12, 4, 1] {
            let path = folder.file("rank\(rank)")
            let outcome = try Program.run(
                "run", "export", folder.file("run"), "--out", path, "--rank", "\(rank)", "--json")
            #expect(try number(outcome, "rank") == Double(rank))
            errors.append(try number(outcome, "relativeError"))
            distances.append(abs(try loss(data, adapter: path) - final))
        }
        #expect(errors[0] < errors[1] && errors[1] < errors[2] && errors[2] < 1)
        #expect(distances[0] < distances[2])
    }

    @Test("earlier rounds can be exported, and mistakes are refused with exit code 2")
    func rounds() throws {
        let data = try data()
        let outcome = try simulate(data, "run", "federation.aggregation=fedex-lora")
        let first = folder.file("first")
        #expect(try Program.run("run", "export", folder.file("run"), "--out", first, "--round", "0").code == 0)
        let base = try number(outcome, "baseLoss")
        #expect(abs(try loss(data, adapter: first) - base) < 1e-5 * base)
        func expectRefused(_ arguments: [String], _ word: String) throws {
            let outcome = try Program.start(["run", "export"] + arguments).finish()
            #expect(outcome.code == 2, "exit code \(outcome.code): \(outcome.errors)")
            #expect(outcome.errors.contains(word), "no '\(word)' in: \(outcome.errors)")
        }
        let target = folder.file("out")
        try expectRefused([folder.file("nowhere"), "--out", target], "holds no run")
        try expectRefused([folder.file("run"), "--out", target, "--round", "9"], "no adapter of round 9")
        try expectRefused([folder.file("run"), "--out", target, "--rank", "0"], "--rank")
        try expectRefused([folder.file("run"), "--out", target, "--merge", folder.file("nowhere")], "config.json")
        let quantised = folder.file("int8")
        #expect(try Program.run("quantize", "--model", "built-in", "--to", "int8", "--out", quantised).code == 0)
        try expectRefused([folder.file("run"), "--out", target, "--merge", quantised], "is quantised")
        let other = folder.file("other")
        let merged = try Program.run("run", "export", folder.file("run"), "--out", other, "--merge", "built-in")
        #expect(merged.code == 0, "\(merged.errors)")
        try expectRefused([folder.file("run"), "--out", target, "--merge", other], "the run's base model has")
        _ = try simulate(data, "own", "federation.aggregation=fedsa", "evaluation.source=workers")
        try expectRefused([folder.file("own"), "--out", target], "no global model")
        #expect(!FileManager.default.fileExists(atPath: target))
    }

    @Test("an exported adapter has a model card that verifies, and names no worker")
    func card() throws {
        let data = try data()
        _ = try simulate(data, "run", "federation.seed=7")
        let out = folder.file("adapter")
        #expect(
            try Program.run("run", "export", folder.file("run"), "--out", out, "--base-name", "owner/base").code == 0)
        let card = folder.text("adapter/README.md")
        #expect(card.contains(#"base_model: "owner/base""#))
        #expect(card.contains("library_name: peft"))
        for worker in ["w0", "w1", "w2"] { #expect(!card.contains(worker)) }
        let command = try #require(card.split(separator: "\n").first { $0.hasPrefix("shoal run verify STATE ") })
        let check = ["run", "verify", folder.file("run")] + command.split(separator: " ").dropFirst(4).map(String.init)
        let outcome = try Program.start(check).finish()
        #expect(outcome.code == 0, "\(outcome.errors)")

        #expect(card.contains("`\(try sha256(of: out + "/adapter_model.safetensors"))`"))
    }

    @Test("an exported adapter names no path of its machine")
    func noPath() throws {
        let model = folder.file("own-model")
        let built = try Program.run("quantize", "--model", "built-in", "--to", "int8", "--out", model)
        try #require(built.code == 0, "\(built.errors)")
        _ = try simulate(try data(), "run", "model=\(model)")
        let out = folder.file("adapter")
        let outcome = try Program.run("run", "export", folder.file("run"), "--out", out)
        #expect(outcome.code == 0 && outcome.output.contains("'own-model'"), "\(outcome.errors)")
        #expect(outcome.output.contains("--base-name"))
        for file in ["adapter_config.json", "README.md"] {
            #expect(folder.text("adapter/" + file).contains("own-model"))
            #expect(!folder.text("adapter/" + file).contains(folder.file("")), "\(file)")
        }
        var members = try #require(
            try JSONSerialization.jsonObject(with: Data(folder.text("own-model/config.json").utf8)) as? [String: Any])
        members["_name_or_path"] = "owner/base"
        try JSONSerialization.data(withJSONObject: members).write(to: URL(filePath: model + "/config.json"))
        let again = try Program.run("run", "export", folder.file("run"), "--out", out, "--json")
        #expect(again.code == 0)
        #expect(try again.objects.last?["baseModel"] as? String == "owner/base")
        let configuration = try #require(
            try JSONSerialization.jsonObject(with: Data(folder.text("adapter/adapter_config.json").utf8))
                as? [String: Any])
        #expect(configuration["base_model_name_or_path"] as? String == "owner/base")
    }

    /// As `sha256sum` has it.
    private func sha256(of path: String) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/sha256sum")
        process.arguments = [path]
        process.standardOutput = pipe
        try process.run()
        let sum = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile().prefix(64), as: UTF8.self)
        try #require(sum.count == 64)
        return sum
    }

    @Test("merged weights have a model card of their own, that names their hash and the adapter's")
    func mergedCard() throws {
        _ = try simulate(try data(), "run", "federation.seed=7")
        let (out, adapter) = (folder.file("merged"), folder.file("adapter"))
        let merge = [
            "run", "export", folder.file("run"), "--out", out, "--merge", "built-in", "--base-name", "owner/base",
        ]
        let outcome = try Program.start(merge).finish()
        try #require(outcome.code == 0, "\(outcome.errors)")
        #expect(try Program.run("run", "export", folder.file("run"), "--out", adapter).code == 0)
        let card = folder.text("merged/README.md")
        #expect(card.contains(#"base_model: "owner/base""#) && card.contains("base_model_relation: finetune"))
        #expect(card.contains("library_name: transformers") && !card.contains("peft"))
        #expect(card.contains("`\(try sha256(of: out + "/model.safetensors"))`"))
        #expect(card.contains("`\(try sha256(of: adapter + "/adapter_model.safetensors"))`"))
        #expect(card.contains("| workers that gave updates | 3 |"))
        for worker in ["w0", "w1", "w2"] { #expect(!card.contains(worker)) }
    }

    @Test("a GGUF file has the metadata of a llama.cpp adapter, and what does not go together is refused")
    func gguf() throws {
        let data = try data()
        _ = try simulate(data, "run", "federation.seed=7")
        let out = folder.file("adapter.gguf")
        let outcome = try Program.run("run", "export", folder.file("run"), "--out", out, "--format", "gguf", "--json")
        #expect(try number(outcome, "rank") == 4)
        let bytes = try Data(contentsOf: URL(filePath: out))
        #expect(bytes.prefix(8) == Data("GGUF".utf8) + Data([3, 0, 0, 0]))
        for text in ["general.architecture", "adapter.lora.alpha", "blk.0.attn_q.weight.lora_b", "shoal.record.hash"]
            + ["shoal.workers", "shoal.tokens_trained", "shoal.privacy", "No differential privacy"]
        {
            #expect(bytes.range(of: Data(text.utf8)) != nil, "no \(text)")
        }
        let encoder = try folder.write(#"{"model_type": "bert"}"#, to: "config.json")
        for (arguments, word) in [
            (["--format", "gguf", "--merge", "built-in"], "convert_hf_to_gguf.py"),
            (["--model", "built-in"], "--format gguf"),
            (
                ["--format", "gguf", "--model", String(encoder.dropLast("/config.json".count))],
                "no adapters for model_type bert"
            ),
        ] {
            let refused = try Program.start(["run", "export", folder.file("run"), "--out", out + "2"] + arguments)
                .finish()
            #expect(refused.code == 2)
            #expect(refused.errors.contains(word), "no '\(word)' in: \(refused.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: out + "2"))
    }
}
