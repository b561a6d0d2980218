import FixtureFiles
import Foundation
import Testing

@Suite("shoal bench")
struct BenchTests {
    @Test("train prints one JSON object and keeps the model in the cache folder")
    func train() throws {
        let folder = ScratchFolder()
        let outcome = try Program.run(
            "bench", "train", "--shape", "tiny", "--cache", folder.path, "--batch", "1", "--sequence", "16",
            "--threads",
            "1", "--steps", "2", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let objects = try outcome.objects
        #expect(objects.count == 1)
        #expect(objects.first?["shape"] as? String == "tiny")
        #expect(objects.first?["tokensPerSecond"] is Double)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["tiny-float32-v1"])
    }

    @Test(
        "what cannot be measured is refused",
        arguments: [
            ["--shape", "enormous"], [], ["--shape", "tiny", "--model", "built-in"],
            ["--shape", "tiny", "--steps", "1"],
        ])
    func refused(_ arguments: [String]) throws {
        let outcome = try Program.start(["bench", "train"] + arguments).finish(limitSeconds: 60)
        #expect(outcome.code == 2)
        #expect(outcome.output.isEmpty && !outcome.errors.isEmpty)
    }
}
