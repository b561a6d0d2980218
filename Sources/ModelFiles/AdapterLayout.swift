/// Names, shapes and order of an adapter's tensors inside one flat float32 vector.
///
/// Everything trainable is one vector: the optimiser steps over it, updates are differences of it, aggregation sums it.
/// Coordinator and worker agree on this order (ascending tensor name, UTF-8 bytes), so a vector needs no names in it.
public struct AdapterLayout: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        /// PEFT's key, for example `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`.
        public let name: String
        /// Row-major shape: `[rank, in]` for a LoRA A, `[out, rank]` for a B.
        public let shape: [Int]
        /// Position of the first value in the flat vector.
        public let offset: Int
        /// The product of `shape`.
        public let count: Int

        public var range: Range<Int> { offset..<offset + count }
    }

    public let entries: [Entry]
    /// Values in the flat vector. Unit: float32 values.
    public let parameterCount: Int

    /// - Parameter tensors: Unique names with shapes of positive sizes, in any order.
    public init(_ tensors: [(name: String, shape: [Int])]) {
        var offset = 0
        var entries: [Entry] = []
        for tensor in tensors.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }) {
            let count = tensor.shape.reduce(1, *)
            precondition(count > 0 && entries.last?.name != tensor.name, "bad adapter tensor \(tensor.name)")
            entries.append(Entry(name: tensor.name, shape: tensor.shape, offset: offset, count: count))
            offset += count
        }
        self.entries = entries
        self.parameterCount = offset
    }

    public subscript(name: String) -> Entry? {
        entries.first { $0.name == name }
    }
}
