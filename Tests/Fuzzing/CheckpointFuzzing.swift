import FixtureFiles
import ModelFiles

/// The list of shards beside the two of a fixture.
enum CheckpointFuzzing {
    private static let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]

    static func reader() throws -> FuzzTarget.Reader {
        let file = try InputFile(Checkpoint.indexFile)
        for shard in shards { try file.link(shard, to: FixtureFiles.path("safetensors/sharded/" + shard)) }
        return { bytes in
            try file.write(bytes)
            guard let checkpoint = try? Checkpoint(directory: file.folder) else { return false }
            for name in checkpoint.tensorNames {
                try expect(try checkpoint.tensor(name).name == name, "\(name) is another tensor")
            }
            return true
        }
    }

    static func seeds() -> [[UInt8]] {
        guard let index = try? MappedFile(path: FixtureFiles.path("safetensors/sharded/" + Checkpoint.indexFile)) else {
            return []
        }
        return [index.copy()]
    }
}
