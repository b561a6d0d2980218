internal import Glibc
internal import ModelFiles
internal import Tensor

extension ModelDirectory {
    /// Writes a copy of this model whose linear layers' weights are quantised.
    ///
    /// One matrix is in memory at a time. The new directory appears whole or not at all, and its identity differs from
    /// this one's: `config.json` and the weights are other files.
    ///
    /// - Parameter target: Must not exist yet, or be an empty folder.
    public func quantise(to format: QuantisationFormat, at target: String) throws -> QuantisationReport {
        if let present = configuration.quantisation {
            throw QuantisationError.alreadyQuantised(directory: path, format: present)
        }
        let checkpoint = try Checkpoint(directory: path)
        let listing = WeightReader(listing: checkpoint, optionalPrefix: configuration.plan.optionalPrefix)
        switch configuration.plan {
        case let plan as any DecoderPlan: _ = try plan.decoder(listing)
        case let plan as any EncoderPlan: _ = try plan.encoder(listing, classes: 2)  // The head is no base weight.
        default: preconditionFailure("a network of neither kind")
        }
        let plan = try QuantisationPlan(checkpoint, format, listing.quantisableWeights)
        var report = QuantisationReport(format: format)
        try AtomicFile.createDirectory(at: target) { folder in
            try copyCompanions(to: folder)
            try AtomicFile.write(try quantisedConfiguration(format), to: folder + "/config.json")
            let output = try SafetensorsOutput(
                path: folder + "/" + Checkpoint.singleFile, tensors: plan.tensors, metadata: ["format": "pt"])
            for name in checkpoint.tensorNames { try plan.write(name, to: output, &report) }
            try output.synchronize()
            report.bytes = output.size
        }
        return report
    }

    /// Files that go with the weights unchanged, where the model has them.
    private static let companions = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
        "merges.txt", "vocab.txt", "tokenizer.model", "generation_config.json", "chat_template.jinja",
        "chat_template.json",
    ]

    func copyCompanions(to folder: String) throws {
        for name in Self.companions where access(path + "/" + name, F_OK) == 0 {
            let file = try MappedFile(path: path + "/" + name)
            try file.withBytes { try AtomicFile.write($0, to: folder + "/" + name) }
        }
    }

    private func quantisedConfiguration(_ format: QuantisationFormat) throws -> [UInt8] {
        let reader = try ConfigurationReader(path: path + "/config.json")
        var members = reader.members
        members["quantization_config"] = format.configuration
        for key in ["dtype", "torch_dtype"] where members[key] != nil { members[key] = .string("bfloat16") }
        return JSONText.encode(.object(members), layout: .indented) + [UInt8(ascii: "\n")]
    }
}

/// What a quantisation did.
public struct QuantisationReport: Sendable {
    public let format: QuantisationFormat
    /// Weights that were quantised.
    public internal(set) var matrices = 0
    /// Values in them.
    public internal(set) var values = 0
    /// Size of the new weights' file. Unit: bytes.
    public internal(set) var bytes = 0
    var squaredError = 0.0
    var squaredNorm = 0.0

    init(format: QuantisationFormat) {
        self.format = format
    }

    /// ‖quantised − original‖ / ‖original‖ over all quantised weights.
    public var relativeError: Double { squaredNorm > 0 ? (squaredError / squaredNorm).squareRoot() : 0 }

    mutating func add(_ original: [Float], _ dequantised: [Float]) {
        matrices += 1
        values += original.count
        for index in original.indices {
            let value = Double(original[index])
            let difference = Double(dequantised[index]) - value
            squaredError += difference * difference
            squaredNorm += value * value
        }
    }
}

/// What keeps a model from being quantised.
public enum QuantisationError: Error, Hashable, Sendable, CustomStringConvertible {
    case alreadyQuantised(directory: String, format: QuantisationFormat)
    case notFinite(file: String, tensor: String)

    public var description: String {
        switch self {
        case .alreadyQuantised(let directory, let format):
            "\(directory) is already quantised (\(format.rawValue)); quantise the model that it was made from"
        case .notFinite(let file, let tensor):
            "\(file), tensor \(tensor) holds values that are infinite or no numbers; is the checkpoint damaged?"
        }
    }
}
