internal import Glibc
package import ModelFiles
package import Tensor

/// Takes a network's frozen weights out of a checkpoint, each with the shape that the configuration asks for, and lists
/// the linear layers as they are asked for.
package final class WeightReader {
    private let checkpoint: Checkpoint
    /// Type of the matrices; `nil` where layers are only listed.
    private let type: Tensor.ElementType?
    private let quantisation: QuantisationFormat?
    /// bfloat16 copies of the checkpoint's matrices of other types.
    private let copies: SafetensorsFile?
    /// Whether linear layers' weights are laid out for products when they are read.
    private let prepacks: Bool
    /// Names of modules in the checkpoint may lack this beginning of the names that adapters use.
    private let optionalPrefix: String
    package private(set) var linearLayers: [LinearLayer] = []
    /// Of ``linearLayers``.
    package private(set) var linearWeights: [Weight] = []

    /// Checkpoint names of the linear layers' weights, without the output head's, and how each is stored.
    package private(set) var quantisableWeights: [String: StoredShape] = [:]

    /// How a linear layer's weight lies in an unquantised checkpoint.
    package struct StoredShape {
        package let inputs: Int
        package let outputs: Int
        /// Stored as `[inputs, outputs]`.
        package let isTransposed: Bool
    }

    /// - Parameter copies: Used in place of converting; see ``WeightCache/copy(of:)``.
    package init(
        checkpoint: Checkpoint, type: Tensor.ElementType, quantisation: QuantisationFormat? = nil,
        copies: SafetensorsFile? = nil, prepacks: Bool = false, optionalPrefix: String = ""
    ) {
        self.checkpoint = checkpoint
        self.type = type
        self.quantisation = quantisation
        self.copies = copies
        self.prepacks = prepacks
        self.optionalPrefix = optionalPrefix
    }

    /// Finds a network's layers without converting any weight: nothing may be computed with what is made from it.
    package init(listing checkpoint: Checkpoint, optionalPrefix: String) {
        self.checkpoint = checkpoint
        type = nil
        quantisation = nil
        copies = nil
        prepacks = false
        self.optionalPrefix = optionalPrefix
    }

    /// A linear layer; the next one that an adapter may target.
    ///
    /// - Parameter isTransposed: The checkpoint stores `[inputs, outputs]` (GPT-2's Conv1D).
    package func linear(
        _ name: String, inputs: Int, outputs: Int, hasBias: Bool, isTransposed: Bool = false, isOutputHead: Bool = false
    ) throws(ModelError) -> Linear {
        let weight: Weight
        if let quantisation, !isOutputHead {
            weight = try quantised(name + ".weight", quantisation, outputs, inputs)
        } else if isTransposed {
            weight = try matrix(name + ".weight", inputs, outputs).transposed
        } else {
            weight = try matrix(name + ".weight", outputs, inputs)
        }
        if !isOutputHead {
            quantisableWeights[storedName(name + ".weight")] = StoredShape(
                inputs: inputs, outputs: outputs, isTransposed: isTransposed)
        }
        return list(
            name, weight, bias: hasBias ? try vector(name + ".bias", outputs) : nil, isOutputHead: isOutputHead,
            isTransposed: isTransposed)
    }

    /// A head that is the embedding's own matrix, which no adapter may target.
    package func tiedHead(_ embedding: Weight) -> Linear {
        Linear(weight: embedding, bias: nil, index: nil)
    }

    private func list(
        _ name: String, _ weight: Weight, bias: Vector?, isOutputHead: Bool, isTransposed: Bool
    ) -> Linear {
        let weight = prepacks ? weight.packed() : weight
        linearLayers.append(
            LinearLayer(
                name: name, inputs: weight.columns, outputs: weight.rows, isOutputHead: isOutputHead,
                isConv1D: isTransposed))
        linearWeights.append(weight)
        return Linear(weight: weight, bias: bias, index: linearLayers.count - 1)
    }

    package func matrix(_ name: String, _ rows: Int, _ columns: Int) throws(ModelError) -> Weight {
        var tensor = try tensor(name, shape: [rows, columns])
        if type == .bfloat16, let copy = copies?.tensor(tensor.name) { tensor = copy }
        // Old files may start their data at any byte; only then is a tensor of the right type copied.
        let type = type ?? (tensor.elementType == .float32 ? .float32 : .bfloat16)
        let isReadable = tensor.elementType == type.stored || (self.type == nil && tensor.elementType == .float16)
        if isReadable, tensor.isAligned(to: type.size) {
            return Weight(rows: rows, columns: columns, type: type, bytes: tensor.bytes, keptAliveBy: tensor)
        }
        return Weight(rows: rows, columns: columns, type: type, values: try values(tensor))
    }

    /// A norm's weight or a bias, in float32 whatever the matrices' type.
    ///
    /// - Parameter offset: Added to every value (Gemma's norms multiply by 1 + weight).
    package func vector(_ name: String, _ count: Int, offset: Float = 0) throws(ModelError) -> Vector {
        let found = try values(try tensor(name, shape: [count]))
        return Vector(offset == 0 ? found : found.map { $0 + offset })
    }

    private func values(_ tensor: SafetensorsFile.Tensor) throws(ModelError) -> [Float] {
        do { return try tensor.float32Values() } catch { throw .checkpoint(.safetensors(error)) }
    }

    func tensor(_ name: String, shape: [Int]) throws(ModelError) -> SafetensorsFile.Tensor {
        let stored = storedName(name)
        let tensor: SafetensorsFile.Tensor
        do { tensor = try checkpoint.tensor(stored) } catch { throw .checkpoint(error) }
        guard tensor.shape == shape else {
            throw .shapeMismatch(file: tensor.file, tensor: stored, expected: shape, actual: tensor.shape)
        }
        return tensor
    }

    /// Whether the checkpoint has the tensor under any of its names, in this shape.
    package func contains(_ name: String, shape: [Int]) -> Bool {
        (try? checkpoint.tensor(storedName(name)))?.shape == shape
    }

    /// The tensor's values in float32.
    package func values(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        try values(try tensor(name, shape: shape))
    }

    /// The tensor's name in this checkpoint: without the optional beginning, or as TensorFlow named a norm's parts.
    func storedName(_ name: String) -> String {
        var names = [name]
        if !optionalPrefix.isEmpty, name.hasPrefix(optionalPrefix) {
            names.append(String(name.dropFirst(optionalPrefix.count)))
        }
        for (new, old) in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")] {
            for known in names where known.hasSuffix(new) { names.append(known.dropLast(new.count) + old) }
        }
        return names.first { checkpoint.contains($0) } ?? name
    }
}

extension SafetensorsFile.Tensor {
    func isAligned(to size: Int) -> Bool {
        (bytes.baseAddress.map { Int(bitPattern: $0) } ?? 0) % size == 0
    }
}

extension Tensor.ElementType {
    fileprivate var stored: ModelFiles.ElementType { self == .float32 ? .float32 : .bfloat16 }
}
