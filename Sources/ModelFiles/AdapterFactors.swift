/// Where the two factors of each layer lie in an adapter's flat vector, with the layer's rank and scale.
public struct AdapterFactors: Hashable, Sendable {
    public struct Layer: Hashable, Sendable {
        /// Module path in the checkpoint.
        public let name: String
        public let rank: Int
        public let inputs: Int
        public let outputs: Int
        /// The factor on `B · A`: α/r or α/√r.
        public let scale: Double
        /// A, `[rank, inputs]` row-major.
        public let a: Range<Int>
        /// B, `[outputs, rank]` row-major.
        public let b: Range<Int>
    }

    /// Ascending by name.
    public let layers: [Layer]
    /// What is no factor: magnitudes and modules that train whole. Ascending.
    public let others: [Range<Int>]
    /// Values in the flat vector.
    public let parameterCount: Int

    /// - Parameters:
    ///   - layout: Each of its layers has both factors, of one rank.
    ///   - scale: The factor on a layer's `B · A`.
    public init(_ layout: AdapterLayout, scale: (_ layer: String) -> Double) {
        var first: [String: AdapterLayout.Entry] = [:]
        var layers: [Layer] = []
        var others: [Range<Int>] = []
        for entry in layout.entries {
            guard let name = AdapterTensorName(entry.name) else {
                others.append(entry.range)
                continue
            }
            switch name.factor {
            case .a: first[name.layer] = entry
            case .b:
                // A's name comes before B's.
                guard let a = first[name.layer], entry.shape.count == 2, a.shape.count == 2,
                    a.shape[0] == entry.shape[1]
                else { preconditionFailure("\(entry.name) has no other factor of its rank") }
                layers.append(
                    Layer(
                        name: name.layer, rank: a.shape[0], inputs: a.shape[1], outputs: entry.shape[0],
                        scale: scale(name.layer), a: a.range, b: entry.range))
            case .magnitude: others.append(entry.range)
            }
        }
        self.layers = layers
        self.others = others
        parameterCount = layout.parameterCount
    }

    /// - Parameter configuration: The layout's own, by PEFT's rules.
    public init(_ layout: AdapterLayout, _ configuration: AdapterConfiguration) throws(ModuleNamePatternError) {
        let targeting = try AdapterTargeting(configuration)
        self.init(layout) { targeting.scale(of: $0) }
    }
}
