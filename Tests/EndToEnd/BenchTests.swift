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

    @Test("codec prints one JSON object a codec")
    func codec() throws {
        let outcome = try Program.run(
            "bench", "codec", "--parameters", "65536", "--codec", "eden:bits=2", "--codec", "ternary:density=0.01",
            "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let objects = try outcome.objects
        #expect(objects.map { $0["codec"] as? String } == ["eden:bits=2", "ternary:density=0.01"])
        for object in objects {
            for key in ["bitsPerCoordinate", "nmse", "nmseOverLimit", "encodeMBPerSecond", "decodeMBPerSecond"] {
                #expect(object[key] is Double, "\(key)")
            }
        }
        #expect(try Program.start(["bench", "codec", "--codec", "eden:bits=9"]).finish(limitSeconds: 60).code == 2)
    }

    @Test("aggregate prints one JSON object", arguments: ["dense", "ternary:density=0.01"])
    func aggregate(_ codec: String) throws {
        let outcome = try Program.run(
            "bench", "aggregate", "--workers", "50", "--parameters", "100000", "--codec", codec, "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try outcome.objects.first)
        #expect(object["codec"] as? String == codec && object["workers"] as? Int == 50)
        let updates = try #require(object["updatesPerSecond"] as? Double)
        let rate = try #require(object["denseGBPerSecond"] as? Double)
        #expect(abs(rate - updates * 400_000 / 1e9) <= 1e-9 * rate)
        #expect(object["peakRssMiB"] is Double)
    }

    @Test("fleet runs real workers and prints one JSON object", arguments: [3, 1])
    func fleet(processes: Int) throws {
        let outcome = try Program.run(
            "bench", "fleet", "--workers", "3", "--processes", "\(processes)", "--parameters", "1000", "--rounds", "2",
            "--codec", "int8", "--json")
        #expect(outcome.code == 0, "\(outcome.errors)")
        let object = try #require(try outcome.objects.first)
        #expect(object["workers"] as? Int == 3 && object["codec"] as? String == "int8")
        for key in [
            "updatesPerSecond", "uplinkMBPerSecond", "roundMillisecondsP50", "roundMillisecondsP99",
            "coordinatorRssMiB", "workerRssMiB",
        ] {
            #expect(try #require(object[key] as? Double, "\(key)") > 0, "\(key)")
        }
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
