/// What aggregation added to the base model for good: low-rank products `B · A` of scale 1, on some of the layers.
///
/// The global model of the methods that keep one is base + residual + adapter.
public struct AdapterResidual: Hashable, Sendable {
    /// Factors by PEFT's names, each layer with its own rank; no other tensors.
    public let layout: AdapterLayout
    /// `[layout.parameterCount]`, float32.
    public let values: [Float]

    /// - Throws: ``AdapterResidualError`` unless every layer has two factors of one rank and nothing else is there.
    public init(layout: AdapterLayout, values: [Float]) throws(AdapterResidualError) {
        precondition(values.count == layout.parameterCount, "\(values.count) values for \(layout.parameterCount)")
        var ranks: [String: Int] = [:]
        for entry in layout.entries {
            guard let name = AdapterTensorName(entry.name), entry.shape.count == 2, name.factor != .magnitude else {
                throw .unexpectedTensor(entry.name)
            }
            if name.factor == .a {
                ranks[name.layer] = entry.shape[0]
            } else {
                guard ranks.removeValue(forKey: name.layer) == entry.shape[1] else { throw .unpaired(entry.name) }
            }
        }
        if let layer = ranks.keys.min() {
            throw .unpaired(AdapterTensorName(layer: layer, factor: .a).description)
        }
        self.layout = layout
        self.values = values
    }

    /// The layers' factors.
    public var factors: AdapterFactors { AdapterFactors(layout) { _ in 1 } }

    public var maximumRank: Int { factors.layers.map(\.rank).max() ?? 0 }

    /// As an object to download; equal residuals give equal bytes.
    public func encoded() -> [UInt8] { AdapterObject.encode(layout: layout, values: values) }

    /// Reads ``encoded()`` back.
    ///
    /// - Parameter bytes: From a link, so nothing in them is trusted.
    public init(decoding bytes: [UInt8]) throws {
        let (layout, values) = try AdapterObject.decode(bytes)
        try self.init(layout: layout, values: values)
    }
}

/// Why an object is no residual.
public enum AdapterResidualError: Error, Hashable, Sendable, CustomStringConvertible {
    case unexpectedTensor(String)
    case unpaired(String)
    /// A layer that the model or the adapter has not, or that has another shape there.
    case unknownLayer(String)

    public var description: String {
        switch self {
        case .unexpectedTensor(let name): "the residual has the tensor \(name), which is no low-rank factor"
        case .unpaired(let name): "the residual's tensor \(name) lacks its other factor of the same rank"
        case .unknownLayer(let layer): "the residual's layer \(layer) is none of the adapter's, or has another shape"
        }
    }
}
