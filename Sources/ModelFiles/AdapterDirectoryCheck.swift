/// Compares an adapter's tensors with what its configuration says of them.
///
/// Whether every selected layer has its tensors shows only beside a model: binding checks it.
struct AdapterDirectoryCheck {
    let directory: String
    let configuration: AdapterConfiguration
    let targeting: AdapterTargeting

    func check(_ layout: AdapterLayout) throws(AdapterDirectoryError) {
        let names = Set(layout.entries.map(\.name))
        for entry in layout.entries {
            guard let name = AdapterTensorName(entry.name) else {
                guard let saved = SavedTensorName(entry.name), belongsToModuleToSave(saved) else {
                    throw .unexpectedTensor(directory: directory, tensor: entry.name)
                }
                continue
            }
            guard targeting.selects(name.layer) else {
                throw .unselectedLayer(directory: directory, layer: name.layer)
            }
            try check(entry, name, among: names)
        }
    }

    private func check(
        _ entry: AdapterLayout.Entry, _ name: AdapterTensorName, among names: Set<String>
    ) throws(AdapterDirectoryError) {
        let needed: [AdapterTensorName.Factor] = configuration.isWeightDecomposed ? [.a, .b, .magnitude] : [.a, .b]
        guard needed.contains(name.factor) else {
            throw .unexpectedTensor(directory: directory, tensor: entry.name)
        }
        for factor in needed {
            let other = AdapterTensorName(layer: name.layer, factor: factor).description
            guard names.contains(other) else { throw .missingFactor(directory: directory, tensor: other) }
        }
        let rank = targeting.rank(of: name.layer)
        let (fits, expected) =
            switch name.factor {
            case .a: (entry.shape.count == 2 && entry.shape[0] == rank, "[\(rank), in]")
            case .b: (entry.shape.count == 2 && entry.shape[1] == rank, "[out, \(rank)]")
            case .magnitude: (entry.shape.count == 1, "[out]")
            }
        guard fits else {
            throw .wrongShape(directory: directory, tensor: entry.name, shape: entry.shape, expected: expected)
        }
    }

    /// The tensor's module, or one that holds it, is to be saved.
    private func belongsToModuleToSave(_ name: SavedTensorName) -> Bool {
        var module = name.module[...]
        while true {
            if targeting.savesWhole(String(module)) { return true }
            guard let dot = module.lastIndex(of: ".") else { return false }
            module = module[..<dot]
        }
    }
}
