package import ModelFiles
package import Tensor

/// The frozen weights of a decoder, named as Hugging Face checkpoints name them.
package struct DecoderWeights {
    struct Linear {
        let name: String
        /// `[outputs, inputs]`
        let weight: Weight
        /// `[1, outputs]`
        let bias: Weight?
    }

    struct Layer {
        let attentionNorm: Weight
        let feedForwardNorm: Weight
        /// Indexed by ``Projection``.
        let linears: [Linear]

        subscript(projection: Projection) -> Linear { linears[projection.rawValue] }
    }

    /// `[vocabulary, hidden]`
    package let embedding: Weight
    let layers: [Layer]
    let finalNorm: Weight
    /// The embedding's own weight where the head is tied.
    let head: Linear

    package init(_ checkpoint: Checkpoint, _ configuration: DecoderConfiguration) throws(ModelError) {
        let reader = WeightReader(checkpoint: checkpoint)
        let hidden = configuration.hiddenSize
        embedding = try reader.matrix("model.embed_tokens.weight", configuration.vocabularySize, hidden)
        var layers: [Layer] = []
        for index in 0..<configuration.layerCount {
            let path = "model.layers.\(index)."
            var linears: [Linear] = []
            for projection in Projection.allCases {
                linears.append(
                    try reader.linear(
                        path + projection.path, inputs: projection.inputs(configuration),
                        outputs: projection.outputs(configuration), hasBias: projection.hasBias(configuration)))
            }
            layers.append(
                Layer(
                    attentionNorm: try reader.vector(path + "input_layernorm.weight", hidden),
                    feedForwardNorm: try reader.vector(path + "post_attention_layernorm.weight", hidden),
                    linears: linears))
        }
        self.layers = layers
        finalNorm = try reader.vector("model.norm.weight", hidden)
        head =
            configuration.isHeadTied
            ? Linear(name: "lm_head", weight: embedding, bias: nil)
            : try reader.linear(
                "lm_head", inputs: hidden, outputs: configuration.vocabularySize, hasBias: false)
    }
}

/// Takes tensors out of a checkpoint, each with the shape that the configuration asks for.
private struct WeightReader {
    let checkpoint: Checkpoint

    func linear(_ name: String, inputs: Int, outputs: Int, hasBias: Bool) throws(ModelError) -> DecoderWeights.Linear {
        DecoderWeights.Linear(
            name: name, weight: try matrix(name + ".weight", outputs, inputs),
            bias: hasBias ? try vector(name + ".bias", outputs) : nil)
    }

    func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Weight {
        try weight(name, shape: [rows, columns])
    }

    /// As one row.
    func vector(_ name: String, _ count: Int) throws(ModelError) -> Weight {
        try weight(name, shape: [count])
    }

    private func weight(_ name: String, shape: [Int]) throws(ModelError) -> Weight {
        do {
            let tensor = try checkpoint.tensor(name)
            guard tensor.shape == shape else {
                throw ModelError.shapeMismatch(
                    file: tensor.file, tensor: name, expected: shape, actual: tensor.shape)
            }
            let rows = shape.count == 1 ? 1 : shape[0]
            let columns = shape[shape.count - 1]
            // Old files may start their data at any byte; only then is a float32 tensor copied.
            let address = tensor.bytes.baseAddress.map { Int(bitPattern: $0) } ?? 0
            if tensor.elementType == .float32, address % 4 == 0 {
                return Weight(rows: rows, columns: columns, format: .float32, bytes: tensor.bytes, keptAliveBy: tensor)
            }
            return Weight(rows: rows, columns: columns, values: try tensor.float32Values())
        } catch let error as ModelError {
            throw error
        } catch let error as CheckpointError {
            throw .checkpoint(error)
        } catch let error as SafetensorsError {
            throw .checkpoint(.safetensors(error))
        } catch {
            throw .malformed(file: checkpoint.directory, reason: "\(error)")
        }
    }
}
