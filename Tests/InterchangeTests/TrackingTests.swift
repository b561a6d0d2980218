import FixtureFiles
import Foundation
import Interchange
import ModelFiles
import Testing

@Suite("Runs for TensorBoard, MLflow and JSON Lines")
struct TrackingTests {
    private let folder = ScratchFolder()

    /// What `Tests/Fixtures/tracking/make.py` writes.
    private var run: TrackedRun {
        TrackedRun(
            id: "0011", status: .running, startedAt: 1_700_000_000, newestAt: 1_700_000_120,
            settings: [("adapter.rank", "8"), ("federation.strategy", "fedavg")], tags: [("shoal.version", "1: \"x\"")],
            metrics: [
                .init("loss/held-out", step: 0, at: 1_700_000_000, value: 5.25),
                .init("loss/training", step: 1, at: 1_700_000_060, value: 3.1),
                .init("bytes/uplink", step: 300, at: 1_700_000_120, value: 7.4e6),
            ])
    }

    private func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
    @Test("checksums are the published ones")
    func checksums() {
        #expect(CRC32C.checksum("123456789".utf8) == 0xE306_9283)
        #expect(CRC32C.checksum(repeatElement(UInt8(0), count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(repeatElement(UInt8(0xFF), count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    }

    @Test("energy that is an estimate is called one, for none of these tools shows a mark")
    func energyNames() {
        #expect(TrackedRun.energyName(isMeasured: true) == "energy/joules")
        #expect(TrackedRun.energyName(isMeasured: false) == "energy/joules-estimated")
    }

    @Test("an event file has the bytes that TensorBoard's own writer gives")
    func events() throws {
        let path = try TensorBoardEvents.update(run, in: folder.path)
        let expected = try bytes(FixtureFiles.path("tracking/events.tfevents"))
        #expect(try bytes(path) == expected)
        #expect(path.contains("/0011/events.out.tfevents.1700000000"))
    }

    @Test("an event file only grows, and half a record at its end is written again")
    func appends() throws {
        var early = run
        early.metrics.removeLast()
        let path = try TensorBoardEvents.update(early, in: folder.path)
        let first = try bytes(path)
        let inode = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        try TensorBoardEvents.update(run, in: folder.path)
        let whole = try bytes(path)
        #expect(whole.starts(with: first) && whole.count > first.count)
        #expect(try bytes(FixtureFiles.path("tracking/events.tfevents")) == whole)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int == inode)
        for cut in [1, 15, whole.count - first.count - 1] {
            try Data(whole.dropLast(cut)).write(to: URL(filePath: path))
            try TensorBoardEvents.update(run, in: folder.path)
            #expect(try bytes(path) == whole)
        }
        try TensorBoardEvents.update(run, in: folder.path)
        #expect(try bytes(path) == whole)
    }

    @Test("a damaged record and what follows it are not taken for sound")
    func damaged() throws {
        let file = try bytes(FixtureFiles.path("tracking/events.tfevents"))
        let sound = RecordFile.read(file)
        #expect(sound.byteCount == file.count)
        #expect(sound.records.count == 5)
        for position in file.indices {
            var damaged = file
            damaged[position] ^= 0x10
            let found = RecordFile.read(damaged)
            #expect(found.byteCount <= position)
        }
    }

    @Test("a store has the folders and lines that MLflow's file store reads")
    func mlflow() throws {
        let path = try MLflowStore.update(run, in: folder.path, experiment: "a: b")
        #expect(try text(path + "/params/adapter.rank") == "8")
        #expect(try text(path + "/tags/shoal.version") == "1: \"x\"")
        #expect(try text(path + "/metrics/loss/training") == "1700000060000 3.1 1\n")
        #expect(try text(path + "/meta.yaml").contains("status: 1\n"))
        #expect(try text(path + "/meta.yaml").contains("end_time: null\n"))
        let experiment = try text(path + "/../meta.yaml")
        #expect(experiment.contains("name: \"a: b\"\n"))

        var later = run
        later.status = .finished
        later.metrics.append(.init("loss/training", step: 2, at: 1_700_000_180, value: 2.5))
        #expect(try MLflowStore.update(later, in: folder.path, experiment: "a: b") == path)
        #expect(try text(path + "/metrics/loss/training") == "1700000060000 3.1 1\n1700000180000 2.5 2\n")
        #expect(try text(path + "/meta.yaml").contains("status: 3\nt") == true)
        #expect(try text(path + "/meta.yaml").contains("end_time: 1700000120000\n"))
        #expect(MLflowStore.experimentNumber("a: b") != MLflowStore.experimentNumber("a"))
    }

    @Test("JSON Lines hold the settings, then one object for each step")
    func lines() throws {
        var run = run
        run.metrics.append(.init("loss/held-out", step: 300, at: 1_700_000_121, value: .infinity))
        try MetricLines.write(run, to: folder.file("run.jsonl"))
        let objects = try text(folder.file("run.jsonl")).split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
        #expect(objects.count == 4)
        #expect(objects[0]["event"] as? String == "run")
        #expect((objects[0]["settings"] as? [String: String])?["adapter.rank"] == "8")
        #expect(objects[1...].map { $0["step"] as? Int } == [0, 1, 300])
        #expect(objects[2]["loss/training"] as? Double == 3.1)
        #expect(objects[3]["loss/held-out"] is NSNull)
        #expect(objects[3]["at"] as? Int == 1_700_000_121)
    }
}
