internal import Glibc

/// What keeps a model directory's weights from being read.
public enum CheckpointError: Error, Hashable, Sendable {
    case noWeights(directory: String)
    /// Weights in a format that can run code when read.
    case pickledWeights(file: String)
    case unreadable(FileError)
    case malformedIndex(file: String, reason: String)
    case missingShard(index: String, shard: String)
    case missingTensor(directory: String, tensor: String)
    case safetensors(SafetensorsError)
}

extension CheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noWeights(let directory):
            "\(directory) has neither \(Checkpoint.singleFile) nor \(Checkpoint.indexFile)"
        case .pickledWeights(let file):
            "\(file) is a pickled checkpoint; only safetensors is read. Convert it with Python: "
                + "AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(DIR, safe_serialization=True)"
        case .unreadable(let error): error.description
        case .malformedIndex(let file, let reason): "\(file) is malformed: \(reason)"
        case .missingShard(let index, let shard):
            "\(shard) is missing, which \(index) names; copy or download the whole model"
        case .missingTensor(let directory, let tensor):
            "the checkpoint in \(directory) has no tensor \(tensor); is this the model that its config.json describes?"
        case .safetensors(let error): error.description
        }
    }
}

/// The weights of a model directory: `model.safetensors`, or shards under `model.safetensors.index.json`.
///
/// Every file is mapped and its header checked at once; no weight is read until somebody touches it.
public struct Checkpoint: Sendable {
    package static let singleFile = "model.safetensors"
    package static let indexFile = "model.safetensors.index.json"

    public let directory: String
    /// File names within `directory`, the index first where there is one.
    public var files: [String] { mappedFiles.map(\.name) }
    /// ``files`` as they were mapped.
    package let mappedFiles: [(name: String, file: MappedFile)]
    private let tensors: [String: SafetensorsFile.Tensor]

    public init(directory: String) throws(CheckpointError) {
        self.directory = directory
        let single = directory + "/" + Self.singleFile
        let index = directory + "/" + Self.indexFile
        if access(single, F_OK) == 0 {
            let file = try Self.map(single)
            mappedFiles = [(Self.singleFile, file)]
            tensors = Dictionary(uniqueKeysWithValues: try Self.read(file).tensors.map { ($0.name, $0) })
        } else if access(index, F_OK) == 0 {
            (mappedFiles, tensors) = try Self.openShards(index: index, directory: directory)
        } else {
            let pickled = directory + "/pytorch_model.bin"
            throw access(pickled, F_OK) == 0 || access(pickled + ".index.json", F_OK) == 0
                ? .pickledWeights(file: pickled) : .noWeights(directory: directory)
        }
    }

    /// - Throws: ``CheckpointError/missingTensor(directory:tensor:)`` with the name.
    public func tensor(_ name: String) throws(CheckpointError) -> SafetensorsFile.Tensor {
        guard let tensor = tensors[name] else { throw .missingTensor(directory: directory, tensor: name) }
        return tensor
    }

    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// Ascending by UTF-8 bytes.
    public var tensorNames: [String] {
        tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func map(_ path: String) throws(CheckpointError) -> MappedFile {
        do { return try MappedFile(path: path) } catch { throw .unreadable(error) }
    }

    private static func read(_ file: MappedFile) throws(CheckpointError) -> SafetensorsFile {
        do { return try SafetensorsFile(file) } catch { throw .safetensors(error) }
    }

    private static func openShards(
        index: String, directory: String
    ) throws(CheckpointError) -> (files: [(String, MappedFile)], tensors: [String: SafetensorsFile.Tensor]) {
        let text = try Self.map(index)
        let document: JSONValue
        do { document = try JSONValue(parsing: text.copy()) } catch {
            throw .malformedIndex(file: index, reason: error.description)
        }
        guard case .object(let members) = document, case .object(let map)? = members["weight_map"] else {
            throw .malformedIndex(file: index, reason: "it has no weight_map object")
        }
        var files: [String: MappedFile] = [:]
        var shards: [String: SafetensorsFile] = [:]
        var tensors: [String: SafetensorsFile.Tensor] = [:]
        for (name, value) in map {
            guard case .string(let shard) = value, isPlainFileName(shard) else {
                throw .malformedIndex(file: index, reason: "weight_map gives \(name) no plain file name")
            }
            if shards[shard] == nil {
                let path = directory + "/" + shard
                guard access(path, F_OK) == 0 else { throw .missingShard(index: index, shard: path) }
                let file = try Self.map(path)
                files[shard] = file
                shards[shard] = try read(file)
            }
            guard let tensor = shards[shard]?.tensor(name) else {
                throw .malformedIndex(file: index, reason: "it places \(name) in \(shard), which has no such tensor")
            }
            tensors[name] = tensor
        }
        guard !shards.isEmpty else { throw .malformedIndex(file: index, reason: "its weight_map is empty") }
        return ([(indexFile, text)] + files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, tensors)
    }
}
