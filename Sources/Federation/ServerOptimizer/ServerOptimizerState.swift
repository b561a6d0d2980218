public import ModelFiles

/// What a server optimiser remembers between rounds: named vectors, each as long as the adapter.
public struct ServerOptimizerState: Hashable, Sendable {
    /// `[parameterCount]` each, float32; empty for an optimiser without memory.
    public private(set) var vectors: [String: [Float]]

    public init(_ vectors: [String: [Float]] = [:]) {
        self.vectors = vectors
    }

    /// Whether both have the same vectors, by name and length.
    public func hasShape(of other: ServerOptimizerState) -> Bool {
        vectors.mapValues(\.count) == other.vectors.mapValues(\.count)
    }

    /// - Precondition: The vector is there and has this many values.
    func vector(_ name: String, count: Int) -> [Float] {
        guard let vector = vectors[name], vector.count == count else {
            preconditionFailure("the state has no vector \(name) of \(count) values")
        }
        return vector
    }

    var isFinite: Bool { vectors.values.allSatisfy(UpdateCheck.isFinite) }

    public func without(_ name: String) -> ServerOptimizerState {
        ServerOptimizerState(vectors.filter { $0.key != name })
    }

    /// Sets one vector, `[parameterCount]`, and leaves the others.
    public mutating func set(_ name: String, _ vector: [Float]) {
        vectors[name] = vector
    }

    // MARK: A part of an adapter

    func gathered(_ part: AdapterPart) -> ServerOptimizerState {
        ServerOptimizerState(vectors.mapValues(part.gather))
    }

    mutating func scatter(_ values: ServerOptimizerState, to part: AdapterPart) {
        for (name, vector) in values.vectors {
            guard var whole = vectors[name] else { preconditionFailure("the state has no vector \(name)") }
            part.scatter(vector, into: &whole)
            vectors[name] = whole
        }
    }

    // MARK: Bytes

    /// As safetensors: equal states give equal bytes.
    /// - Precondition: There is something to keep.
    public func encoded() -> [UInt8] {
        precondition(!vectors.isEmpty, "nothing to keep")
        return SafetensorsWriter.encode(vectors.map { ($0.key, [$0.value.count], $0.value) })
    }

    /// Reads ``encoded()`` back.
    public init(decoding bytes: [UInt8]) throws(SafetensorsError) {
        let file = try SafetensorsFile(bytes: bytes, name: "the server optimiser's state")
        vectors = [:]
        for tensor in file.tensors { vectors[tensor.name] = try tensor.float32Values() }
    }
}
