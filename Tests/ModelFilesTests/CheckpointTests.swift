import FixtureFiles
import ModelFiles
import Testing

@Suite("Reading checkpoints")
struct CheckpointTests {
    static let header = Array(#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  "#.utf8)

    @Test("shards are found through their index")
    func sharded() throws {
        let checkpoint = try Checkpoint(directory: FixtureFiles.path("safetensors/sharded"))
        #expect(checkpoint.tensorNames == ["embed", "head", "norm"])
        #expect(try checkpoint.tensor("head").float32Values() == [2, 2, 2, 2])
        #expect(try checkpoint.tensor("norm").float32Values() == [0.5, 0.25])
        #expect(
            checkpoint.files == [
                "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            ])
    }

    @Test("a single file is read, and a tensor it lacks is named")
    func single() throws {
        let folder = ScratchFolder()
        try AtomicFile.write(SafetensorsWriter.encode([("a", [2], [1, 2])]), to: folder.file("model.safetensors"))
        let checkpoint = try Checkpoint(directory: folder.path)
        #expect(try checkpoint.tensor("a").float32Values() == [1, 2])
        #expect(throws: CheckpointError.missingTensor(directory: folder.path, tensor: "b")) {
            try checkpoint.tensor("b")
        }
    }

    @Test("a folder without weights, or with pickled ones alone, says what to do")
    func noWeights() throws {
        let folder = ScratchFolder()
        #expect(throws: CheckpointError.noWeights(directory: folder.path)) { try Checkpoint(directory: folder.path) }
        try AtomicFile.write([0x80], to: folder.file("pytorch_model.bin"))
        #expect {
            try Checkpoint(directory: folder.path)
        } throws: { "\($0)".contains("only safetensors is read") }
    }

    @Test(
        "a bad index is refused",
        arguments: [
            #"{"weight_map":{"a":"../model.safetensors"}}"#, #"{"weight_map":{"a":"/etc/passwd"}}"#,
            #"{"weight_map":{"a":1}}"#, #"{"weight_map":{}}"#, #"{"weight_map":[]}"#, "{}", "nonsense",
            #"{"weight_map":{"not there":"one.safetensors"}}"#,
        ])
    func badIndex(index: String) throws {
        let folder = ScratchFolder()
        try AtomicFile.write(Array(index.utf8), to: folder.file("model.safetensors.index.json"))
        try AtomicFile.write(SafetensorsWriter.encode([("a", [1], [1])]), to: folder.file("one.safetensors"))
        #expect {
            try Checkpoint(directory: folder.path)
        } throws: { error in
            guard case .malformedIndex? = error as? CheckpointError else { return false }
            return true
        }
    }

    @Test("a missing shard is named")
    func missingShard() throws {
        let folder = ScratchFolder()
        let index = #"{"weight_map":{"a":"two.safetensors"}}"#
        try AtomicFile.write(Array(index.utf8), to: folder.file("model.safetensors.index.json"))
        #expect {
            try Checkpoint(directory: folder.path)
        } throws: { "\($0)".hasPrefix(folder.file("two.safetensors") + " is missing") }
    }
}
