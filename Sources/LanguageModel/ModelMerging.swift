internal import CKernels
public import ModelFiles

extension ModelDirectory {
    /// Writes a copy of this model with an adapter's products added to its weights: `W + scale · B A`.
    ///
    /// Each weight keeps its element type, so that a bfloat16 weight is rounded once more. Modules that the adapter saves
    /// whole take the checkpoint's place, or stand beside it as float32. The new directory appears whole or not at all.
    ///
    /// - Parameters:
    ///   - values: The adapter's, `[layout.parameterCount]`, float32.
    ///   - target: Must not exist yet, or be an empty folder.
    public func merge(
        _ values: [Float], layout: AdapterLayout, configuration: AdapterConfiguration, at target: String
    ) throws {
        guard self.configuration.quantisation == nil else { throw ModelMergingError.quantisedBase(directory: path) }
        guard !configuration.isWeightDecomposed else { throw ModelMergingError.magnitudes }
        let checkpoint = try Checkpoint(directory: path)
        let listing = WeightReader(listing: checkpoint, optionalPrefix: self.configuration.plan.optionalPrefix)
        let saved = layout.entries.compactMap { entry in SavedTensorName(entry.name).map { ($0.parameter, entry) } }
        switch self.configuration.plan {
        case let plan as any DecoderPlan: _ = try plan.decoder(listing)
        case let plan as any EncoderPlan: _ = try plan.encoder(listing, classes: 2)  // The head is the adapter's.
        default: preconditionFailure("a network of neither kind")
        }
        var products: [String: AdapterFactors.Layer] = [:]
        for layer in try AdapterFactors(layout, configuration).layers {
            let name = listing.storedName(layer.name + ".weight")
            guard let stored = listing.quantisableWeights[name], stored.inputs == layer.inputs,
                stored.outputs == layer.outputs
            else { throw ModelMergingError.unknownLayer(layer.name, directory: path) }
            products[name] = layer
        }
        let replaced = Dictionary(
            saved.map { (listing.storedName($0.0), $0.1) }, uniquingKeysWith: { first, _ in first })
        var tensors: [(name: String, elementType: ElementType, shape: [Int])] = []
        for name in checkpoint.tensorNames where replaced[name] == nil {
            let tensor = try checkpoint.tensor(name)
            tensors.append((name, tensor.elementType, tensor.shape))
        }
        for (name, entry) in replaced { tensors.append((name, .float32, entry.shape)) }
        try AtomicFile.createDirectory(at: target) { folder in
            try copyCompanions(to: folder)
            let file = try MappedFile(path: path + "/config.json")
            try file.withBytes { try AtomicFile.write($0, to: folder + "/config.json") }
            let output = try SafetensorsOutput(
                path: folder + "/" + Checkpoint.singleFile, tensors: tensors, metadata: ["format": "pt"])
            for (name, entry) in replaced { try output.write(Array(values[entry.range]), to: name) }
            for name in checkpoint.tensorNames where replaced[name] == nil {
                let tensor = try checkpoint.tensor(name)
                if let layer = products[name], let stored = listing.quantisableWeights[name] {
                    try tensor.write(adding: layer, of: values, isTransposed: stored.isTransposed, to: output)
                } else {
                    try tensor.withBytes { try output.write($0, to: name) }
                }
            }
            try output.synchronize()
        }
    }
}

extension SafetensorsFile.Tensor {
    /// Writes the weight with a product added, in its own type.
    ///
    /// - Parameter isTransposed: Whether the weight is stored `[in, out]`.
    fileprivate func write(
        adding layer: AdapterFactors.Layer, of values: [Float], isTransposed: Bool, to output: SafetensorsOutput
    ) throws {
        var weight = try float32Values()
        for row in 0..<layer.outputs {
            var product = [Double](repeating: 0, count: layer.inputs)
            for index in 0..<layer.rank {
                let left = layer.scale * Double(values[layer.b.lowerBound + row * layer.rank + index])
                let start = layer.a.lowerBound + index * layer.inputs
                for column in product.indices { product[column] += left * Double(values[start + column]) }
            }
            for column in product.indices {
                let place = isTransposed ? column * layer.outputs + row : row * layer.inputs + column
                weight[place] = Float(Double(weight[place]) + product[column])
            }
        }
        switch elementType {
        case .float32: try output.write(weight, to: name)
        case .float16: try output.write(weight.map { Float16($0).bitPattern }, to: name)
        case .bfloat16:
            var halves = [UInt16](repeating: 0, count: weight.count)
            shoal_convert(SHOAL_FLOAT32, weight, SHOAL_BFLOAT16, &halves, weight.count, 1)
            try output.write(halves, to: name)
        default: preconditionFailure("float32Values() reads no \(elementType.rawValue)")
        }
    }
}

/// What keeps an adapter from being merged into a model.
public enum ModelMergingError: Error, Hashable, Sendable, CustomStringConvertible {
    case quantisedBase(directory: String)
    case magnitudes
    case unknownLayer(String, directory: String)

    public var description: String {
        switch self {
        case .quantisedBase(let directory):
            "\(directory) is quantised: its weights cannot hold an adapter; give the model that it was made from, or leave "
                + "the adapter beside it"
        case .magnitudes: "an adapter with magnitudes (DoRA) is not merged here; PEFT's merge_and_unload does it"
        case .unknownLayer(let layer, let directory):
            "the adapter's layer \(layer) is no linear layer of \(directory) that weights can be merged into; is it "
                + "another model, or its output head?"
        }
    }
}
