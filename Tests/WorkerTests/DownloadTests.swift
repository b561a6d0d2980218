import Federation
import Foundation
import ModelFiles
import Testing
import Wire
import Worker

@Suite("A worker's downloads")
struct DownloadTests {
    let bench = WorkerBench()
    /// A base model's files and manifest, as a coordinator holds them.
    let files: [(name: String, bytes: [UInt8])]
    let manifest: ModelManifest

    init() throws {
        let folder = NSTemporaryDirectory() + "shoal-model-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let weights = AdapterObject.encode(
            layout: AdapterLayout([("w", [10, 30])]), values: (0..<300).map { Float($0) })
        files = [
            ("config.json", Array("{\"model_type\":\"none\"}".utf8)), ("model.safetensors", weights),
            ("tokenizer.json", Array("{}".utf8)),
        ]
        for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
        manifest = try ModelManifest(directory: folder)
    }

    var objects: [[UInt8]] { [manifest.encoded()] + files.map(\.bytes) }
    var modelFolder: String { "\(bench.folder)/models/\(manifest.identity)" }

    func stored(_ name: String) -> [UInt8]? {
        (try? Data(contentsOf: URL(fileURLWithPath: "\(modelFolder)/\(name)"))).map { Array($0) }
    }

    func open() throws {
        try bench.start(downloadsModel: true)
        bench.connection(.connected)
        bench.forgetSent()
        bench.receive(.welcome(bench.welcome(baseModel: manifest.identity)))
    }

    @Test func aMissingBaseModelIsFetchedByHashFileByFile() throws {
        try open()
        bench.serveAll(objects)
        for (name, bytes) in files { #expect(stored(name) == bytes) }
        #expect(try ModelManifest(directory: modelFolder).identity == manifest.identity)
        let total = UInt64(files.map(\.bytes.count).reduce(0, +))
        #expect(bench.events.contains(.downloading(bytes: total, total: total)))
        bench.receive(.offer(bench.offer(baseModel: manifest.identity)), round: 1, attempt: 1)
        bench.serveAll(objects + [bench.adapter])
        #expect(bench.runner.started.first?.modelPath == modelFolder)
        // A restart finds it there.
        try open()
        #expect(bench.kinds() == [])
    }

    @Test func aTaskOfferedMeanwhileStartsOnceTheModelIsThere() throws {
        try open()
        let request = bench.sent()
        bench.receive(.offer(bench.offer(baseModel: manifest.identity)), round: 1, attempt: 1)
        #expect(bench.kinds() == ["Accept"])
        bench.advance(WorkerBench.heartbeatSeconds)
        #expect(bench.sent().heartbeats.last?.phase == .downloading)
        bench.serve(objects, request)
        bench.serveAll(objects + [bench.adapter])
        #expect(bench.runner.started.count == 1)
    }

    @Test func aPartlyFetchedFileIsTakenUpWhereItStopped() throws {
        try open()
        bench.serve(objects, bench.sent())
        bench.serve(objects, bench.sent())
        // The weights are next: 250 of their bytes arrive, then the process ends.
        let weights = files[1].bytes
        for offset in [0, 125] {
            bench.receive(
                .objectChunk(
                    ObjectChunk(
                        object: ContentHash(of: weights), offset: UInt64(offset), totalBytes: UInt64(weights.count))),
                payload: Array(weights[offset..<offset + 125]))
        }
        #expect(stored("model.safetensors") == nil)
        try open()
        let request = try #require(bench.sent().first("ObjectRequest"))
        guard case .objectRequest(let content) = request.message else { return }
        #expect(content.object == ContentHash(of: weights) && content.offset == 250)
        bench.serve(objects, [RecordingLink.Sent(envelope: request, payload: nil)])
        bench.serveAll(objects)
        #expect(stored("model.safetensors") == weights)
    }

    @Test func aCorruptedFileIsFetchedOnceMore() throws {
        try open()
        bench.serve(objects, bench.sent())
        bench.serve(objects, bench.sent(), corrupting: true)
        #expect(stored("config.json") == nil)
        #expect(bench.service?.outcome == nil)
        bench.serveAll(objects)
        #expect(stored("config.json") == files[0].bytes)
    }

    @Test func aFileThatIsCorruptTwiceEndsTheWorker() throws {
        try open()
        bench.serve(objects, bench.sent())
        bench.serve(objects, bench.sent(), corrupting: true)
        bench.serve(objects, bench.sent(), corrupting: true)
        #expect(bench.failure?.contains("SHA-256") == true)
        #expect(stored("config.json") == nil)
    }

    @Test(arguments: [UInt64(1) << 21, 1 << 40])
    func anOversizedManifestIsRefusedBeforeItArrives(total: UInt64) throws {
        try open()
        bench.receive(
            .objectChunk(ObjectChunk(object: manifest.identity, offset: 0, totalBytes: total)), payload: [1, 2, 3])
        #expect(bench.failure != nil)
    }

    @Test func aFileOfAnotherSizeThanTheManifestsIsRefused() throws {
        try open()
        bench.serve(objects, bench.sent())
        bench.receive(
            .objectChunk(ObjectChunk(object: ContentHash(of: files[0].bytes), offset: 0, totalBytes: 1 << 30)),
            payload: [1])
        #expect(bench.failure?.contains("manifest") == true)
    }

    @Test func chunksOutOfOrderOrRepeatedAreIgnored() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        let bytes = bench.adapter
        let object = ContentHash(of: bytes)
        for range in [0..<50, 100..<bytes.count, 0..<50, 50..<100, 50..<100, 100..<bytes.count] {
            bench.receive(
                .objectChunk(
                    ObjectChunk(object: object, offset: UInt64(range.lowerBound), totalBytes: UInt64(bytes.count))),
                payload: Array(bytes[range]))
        }
        #expect(bench.runner.started.first?.values == bench.global)
    }

    @Test func aSilentDownloadIsAskedForAgainFromWhereItStands() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        let bytes = bench.adapter
        bench.receive(
            .objectChunk(ObjectChunk(object: ContentHash(of: bytes), offset: 0, totalBytes: UInt64(bytes.count))),
            payload: Array(bytes[..<60]))
        bench.forgetSent()
        for _ in 0..<6 {
            bench.advance(2)
            bench.receive(.heartbeat(Heartbeat(phase: .idle)))
        }
        let requests = bench.sent().compactMap { item -> UInt64? in
            if case .objectRequest(let request) = item.envelope.message { request.offset } else { nil }
        }
        #expect(requests == [60])
    }

    @Test func anAdapterThatIsCorruptTwiceIsDeclined() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        bench.serve([bench.adapter], bench.sent(), corrupting: true)
        bench.serve([bench.adapter], bench.sent(), corrupting: true)
        #expect(bench.kinds() == ["Decline"])
        #expect(bench.service?.outcome == nil)
    }

    @Test func anAdapterTheCoordinatorNoLongerHasIsDeclined() throws {
        try bench.start()
        bench.openSession()
        bench.receive(.offer(bench.offer()), round: 4, attempt: 1)
        let request = try #require(bench.sent().first("ObjectRequest"))
        bench.receive(.refused(Refused(code: .unknownObject, reason: "no such object")), answering: request.id)
        #expect(bench.kinds() == ["Decline"])
    }

    @Test func aDownloadGoesOnAfterAReconnect() throws {
        try open()
        bench.forgetSent()
        bench.connection(.disconnected(reason: "cable"))
        bench.connection(.connected)
        bench.receive(.welcome(bench.welcome(baseModel: manifest.identity)))
        bench.serveAll(objects)
        #expect(try ModelManifest(directory: modelFolder).identity == manifest.identity)
    }
}
