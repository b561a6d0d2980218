/// What keeps an adapter directory from being read.
public enum AdapterDirectoryError: Error, Hashable, Sendable {
    case unreadable(FileError)
    case configuration(directory: String, AdapterConfigurationError)
    case tensors(SafetensorsError)
    case pickledWeights(directory: String)
    /// A tensor that is no LoRA factor of a linear layer.
    case unexpectedTensor(directory: String, tensor: String)
    case missingFactor(directory: String, tensor: String)
    /// A layer that has factors and that `target_modules` does not select.
    case unselectedLayer(directory: String, layer: String)
    case labels(directory: String, reason: String)
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
            "the adapter in \(directory) has the tensor \(tensor), which is neither a LoRA factor of a linear layer nor "
                + "part of modules_to_save"
        case .missingFactor(let directory, let tensor):
            "the adapter in \(directory) lacks \(tensor), which adapter_config.json and its other tensors ask for"
        case .unselectedLayer(let directory, let layer):
            "the adapter in \(directory) has factors for \(layer), which its adapter_config.json does not target; "
                + "the two files do not belong together"
        case .labels(let directory, let reason):
            "\(directory)/labels.json: \(reason); it holds the class names in order, as a JSON list"
        case .wrongShape(let directory, let tensor, let shape, let expected):
            "the adapter in \(directory): \(tensor) has shape \(shape), adapter_config.json asks for \(expected)"
        }
    }
}

/// A PEFT adapter on disk: `adapter_config.json` and `adapter_model.safetensors` in one folder.
public enum AdapterDirectory {
    public static let configurationFile = "adapter_config.json"
    public static let weightsFile = "adapter_model.safetensors"
    /// Class names of a classification adapter, in order; PEFT ignores it.
    public static let labelsFile = "labels.json"

    /// Reads an adapter; F16 and BF16 values become float32.
    ///
    /// - Returns: `values` is `[layout.parameterCount]`, float32. Each layer of the layout is one that the configuration
    ///   targets and has both factors, A `[rank, in]` and B `[out, rank]` with the configuration's rank for it, and with
    ///   DoRA magnitudes `[out]`; other tensors belong to `modules_to_save`.
    public static func read(
        _ directory: String
    ) throws(AdapterDirectoryError) -> (
        configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float]
    ) {
        let text: MappedFile
        do { text = try MappedFile(path: directory + "/" + configurationFile) } catch { throw .unreadable(error) }
        let configuration: AdapterConfiguration
        let targeting: AdapterTargeting
        do { configuration = try AdapterConfiguration(decoding: text.copy()) } catch {
            throw .configuration(directory: directory, error)
        }
        do { targeting = try AdapterTargeting(configuration) } catch {
            throw .configuration(directory: directory, .pattern(error))
        }
        let layout: AdapterLayout
        let values: [Float]
        do {
            // Beside an adapted head or embedding PEFT also saves the frozen weight that it adapts.
            (layout, values) = try AdapterObject.flatten(
                SafetensorsFile(path: directory + "/" + weightsFile), where: { !$0.hasSuffix(".base_layer.weight") })
        } catch .unreadable(let error) {
            if (try? MappedFile(path: directory + "/adapter_model.bin")) != nil {
                throw .pickledWeights(directory: directory)
            }
            throw .unreadable(error)
        } catch {
            throw .tensors(error)
        }
        try AdapterDirectoryCheck(directory: directory, configuration: configuration, targeting: targeting)
            .check(layout)
        return (configuration, layout, values)
    }

    /// The class names beside a classification adapter, in order.
    ///
    /// - Returns: `nil` when there is no `labels.json`.
    public static func labels(_ directory: String) throws(AdapterDirectoryError) -> [String]? {
        let file: MappedFile
        do { file = try MappedFile(path: directory + "/" + labelsFile) } catch { return nil }
        let document: JSONValue
        do { document = try JSONValue(parsing: file.copy()) } catch {
            throw .labels(directory: directory, reason: error.description)
        }
        guard case .array(let values) = document else {
            throw .labels(directory: directory, reason: "it is \(document.kind)")
        }
        var labels: [String] = []
        var known: Set<String> = []
        for value in values {
            guard case .string(let label) = value, !label.isEmpty, known.insert(label).inserted else {
                throw .labels(directory: directory, reason: "entry \(labels.count + 1) is no new name")
            }
            labels.append(label)
        }
        return labels
    }

    /// Writes an adapter that `peft.PeftModel.from_pretrained` loads; replaces an older one in one step.
    ///
    /// - Parameters:
    ///   - values: `[layout.parameterCount]`, float32.
    ///   - labels: Class names in order, for classification; empty for anything else.
    public static func write(
        configuration: AdapterConfiguration, layout: AdapterLayout, values: [Float], labels: [String] = [],
        to directory: String
    ) throws(FileError) {
        try write(
            configuration: configuration, weights: AdapterObject.encode(layout: layout, values: values), labels: labels,
            to: directory)
    }

    /// - Parameters:
    ///   - weights: The adapter object.
    ///   - others: Files beside it, by name.
    package static func write(
        configuration: AdapterConfiguration, weights: [UInt8], labels: [String], others: [(String, [UInt8])] = [],
        to directory: String
    ) throws(FileError) {
        var files = [(configurationFile, configuration.encoded()), (weightsFile, weights)] + others
        if !labels.isEmpty {
            files.append((labelsFile, JSONText.encode(.array(labels.map { .string($0) }), layout: .indented)))
        }
        try AtomicFile.replaceDirectory(at: directory, with: files, removing: [labelsFile])
    }

    /// Makes a folder hold the same adapter as another one does.
    package static func link(_ directory: String, to source: String) throws(FileError) {
        try AtomicFile.replaceDirectory(at: directory, withFilesOf: source, removing: [labelsFile])
    }
}
