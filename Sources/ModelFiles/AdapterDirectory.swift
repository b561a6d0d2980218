/// What keeps an adapter directory from being read.
public enum AdapterDirectoryError: Error, Hashable, Sendable {
    case unreadable(FileError)
    case configuration(directory: String, AdapterConfigurationError)
    case tensors(SafetensorsError)
    case pickledWeights(directory: String)
    /// A tensor that is no LoRA factor of a linear layer.
    case unexpectedTensor(directory: String, tensor: String)
    case missingFactor(directory: String, tensor: String)
    case wrongShape(directory: String, tensor: String, shape: [Int], expected: String)
}

extension AdapterDirectoryError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .configuration(let directory, let error): "\(directory): \(error.description)"
        case .tensors(let error): error.description
        case .pickledWeights(let directory):
            "\(directory) holds adapter_model.bin only; save it from PEFT with safe_serialization=True"
        case .unexpectedTensor(let directory, let tensor):
            "the adapter in \(directory) has the tensor \(tensor), which is no LoRA factor of a linear layer"
        case .missingFactor(let directory, let tensor):
            "the adapter in \(directory) lacks \(tensor), the other half of a LoRA pair"
        case .wrongShape(let directory, let tensor, let shape, let expected):
            "the adapter in \(directory): \(tensor) has shape \(shape), adapter_config.json's r asks for \(expected)"
        }
    }
}

/// A PEFT adapter on disk: `adapter_config.json` and `adapter_model.safetensors` in one folder.
public enum AdapterDirectory {
    public static let configurationFile = "adapter_config.json"
    public static let weightsFile = "adapter_model.safetensors"

    /// Reads an adapter; F16 and BF16 values become float32.
    ///
    /// - Returns: `values` is `[layout.parameterCount]`, float32. Each layer of the layout has both factors, A
    ///   `[r, in]` and B `[out, r]` with the configuration's r.
    public static func read(
        _ directory: String
    ) throws(AdapterDirectoryError) -> (
        configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float]
    ) {
        let text: MappedFile
        do { text = try MappedFile(path: directory + "/" + configurationFile) } catch { throw .unreadable(error) }
        let configuration: AdapterConfiguration
        do { configuration = try AdapterConfiguration(decoding: text.copy()) } catch {
            throw .configuration(directory: directory, error)
        }
        let layout: AdapterLayout
        let values: [Float]
        do {
            (layout, values) = try AdapterObject.flatten(SafetensorsFile(path: directory + "/" + weightsFile))
        } catch .unreadable(let error) {
            if (try? MappedFile(path: directory + "/adapter_model.bin")) != nil {
                throw .pickledWeights(directory: directory)
            }
            throw .unreadable(error)
        } catch {
            throw .tensors(error)
        }
        try check(layout, rank: configuration.rank, directory: directory)
        return (configuration, layout, values)
    }

    /// Writes an adapter that `peft.PeftModel.from_pretrained` loads; replaces an older one in one step.
    ///
    /// - Parameter values: `[layout.parameterCount]`, float32.
    public static func write(
        configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float], to directory: String
    ) throws(FileError) {
        try AtomicFile.replaceDirectory(
            at: directory,
            with: [
                (configurationFile, configuration.encoded()),
                (weightsFile, AdapterObject.encode(layout: layout, values: values)),
            ])
    }

    private static func check(
        _ layout: AdapterLayout, rank: Int, directory: String
    ) throws(AdapterDirectoryError) {
        let names = Set(layout.entries.map(\.name))
        for entry in layout.entries {
            guard let name = AdapterTensorName(entry.name) else {
                throw .unexpectedTensor(directory: directory, tensor: entry.name)
            }
            let other = AdapterTensorName(layer: name.layer, factor: name.factor == .a ? .b : .a).description
            guard names.contains(other) else { throw .missingFactor(directory: directory, tensor: other) }
            let rankAxis = name.factor == .a ? 0 : 1
            guard entry.shape.count == 2, entry.shape[rankAxis] == rank else {
                throw .wrongShape(
                    directory: directory, tensor: entry.name, shape: entry.shape,
                    expected: name.factor == .a ? "[\(rank), in]" : "[out, \(rank)]")
            }
        }
    }
}
