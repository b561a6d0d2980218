internal import ModelFiles

/// Which of a checkpoint's tensors are converted to bfloat16: its float32 and float16 matrices.
///
/// Norms and biases are computed with in float32 and stay where they are.
struct ConversionPlan {
    private let tensors: [SafetensorsFile.Tensor]
    private let sources: [MappedFile]

    /// Goes up when a copy's content changes for the same source.
    private static let format = "shoal bfloat16 weights 1"

    init(_ checkpoint: Checkpoint) throws(CheckpointError) {
        var tensors: [SafetensorsFile.Tensor] = []
        for name in checkpoint.tensorNames {
            let tensor = try checkpoint.tensor(name)
            if tensor.isConverted { tensors.append(tensor) }
        }
        self.tensors = tensors
        sources = checkpoint.mappedFiles.map(\.file)
    }

    var isEmpty: Bool { tensors.isEmpty }

    /// Of the copy's values. Unit: bytes.
    var byteCount: Int { tensors.reduce(0) { $0 + 2 * $1.count } }

    /// The copy's name: follows from this format and the source files' content.
    ///
    /// - Parameter hash: A file's hash; where it has none, there is no name.
    func key(hash: (MappedFile) -> ContentHash?) -> ContentHash? {
        var hasher = ContentHash.Hasher()
        hasher.update(Array(Self.format.utf8))
        for source in sources {
            guard let hash = hash(source) else { return nil }
            hasher.update(hash.bytes)
        }
        return hasher.finished()
    }

    /// Whether a file has exactly the copy's tensors.
    func describes(_ copy: SafetensorsFile) -> Bool {
        copy.metadata == metadata && copy.tensors.count == tensors.count
            && tensors.allSatisfy { tensor in
                guard let found = copy.tensor(tensor.name) else { return false }
                return found.elementType == .bfloat16 && found.shape == tensor.shape
            }
    }

    /// Creates the copy at a path where nothing is yet.
    func write(to path: String) throws(FileError) {
        let output = try SafetensorsOutput(
            path: path, tensors: tensors.map { ($0.name, .bfloat16, $0.shape) }, metadata: metadata)
        for tensor in tensors { try tensor.narrow(to: output) }
        try output.synchronize()
    }

    private var metadata: [String: String] { ["format": "pt", "shoal": Self.format] }
}

extension SafetensorsFile.Tensor {
    fileprivate var isConverted: Bool {
        shape.count == 2 && count > 0 && (elementType == .float32 || elementType == .float16)
    }
}
