import Foundation
import LinkRecording
import Testing

/// What somebody on the network between a worker and its coordinator can read.
@Suite("On the wire", .serialized)
struct ConfidentialityTests {
    /// Runs one round of one worker through a recording proxy; returns all bytes that crossed, either way.
    private func record(_ options: String...) throws -> (bytes: [UInt8], words: [String]) {
        let federation = try LocalFederation(workerCount: 1, rounds: 1, workersPerRound: 1, localSteps: 2)
        let proxy = try RecordingProxy(to: federation.port)
        defer { proxy.stop() }
        let worker = try #require(federation.workers.first)
        try federation.invite(worker, port: proxy.port)
        let coordinator = try federation.startCoordinator(options)
        let running = try federation.startWorker(worker, holdsModel: false, options: options)
        #expect(try coordinator.finish(limitSeconds: 120).code == 0)
        #expect(try running.finish(limitSeconds: 30).code == 0)
        let row = try #require(federation.firstText(of: worker))
        // The worker's name, its text, the adapter's tensors, the base model's configuration, the codec's name.
        return (
            proxy.upstream + proxy.downstream, [worker, row, "lora_A", "num_hidden_layers", "dense"]
        )
    }

    @Test("nothing of text, names or messages can be read")
    func encrypted() throws {
        let (bytes, words) = try record()
        // The base model and an update did pass.
        #expect(bytes.count > 2_000_000)
        for word in words { #expect(!bytes.holds(word), "'\(word)' crossed in the clear") }
    }

    @Test("the same recording does show messages when encryption is switched off; text stays at home even then")
    func insecure() throws {
        let (bytes, words) = try record("--insecure")
        for word in ["lora_A", "num_hidden_layers", "dense"] { #expect(bytes.holds(word), "no '\(word)' was seen") }
        #expect(!bytes.holds(words[1]))
    }
}
