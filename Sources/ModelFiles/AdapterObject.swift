/// An adapter's flat vector as one downloadable object: the safetensors bytes of its tensors.
///
/// Equal vectors give equal bytes, so the object's ``ContentHash`` is the adapter version's identity.
public enum AdapterObject {
    /// - Parameter values: `[layout.parameterCount]`, float32.
    public static func encode(layout: AdapterLayout, values: [Float]) -> [UInt8] {
        precondition(values.count == layout.parameterCount, "\(values.count) values for \(layout.parameterCount)")
        // PEFT and transformers ask for the "format" entry.
        return SafetensorsWriter.encode(
            parts: layout.entries.map { ($0.name, $0.shape, values[$0.range]) }, metadata: ["format": "pt"])
    }

    /// - Parameter bytes: From a link, so nothing in them is trusted; finiteness of the values is not checked here.
    /// - Throws: ``SafetensorsError``, also for an object without tensors or with an empty one.
    public static func decode(_ bytes: [UInt8]) throws(SafetensorsError) -> (layout: AdapterLayout, values: [Float]) {
        try flatten(try SafetensorsFile(bytes: bytes, name: "the adapter object"))
    }

    /// All tensors in one vector; F16 and BF16 become float32.
    ///
    /// - Parameter isIncluded: Which tensors, by name.
    static func flatten(
        _ file: SafetensorsFile, where isIncluded: (String) -> Bool = { _ in true }
    ) throws(SafetensorsError) -> (layout: AdapterLayout, values: [Float]) {
        let tensors = file.tensors.filter { isIncluded($0.name) }
        guard !tensors.isEmpty else { throw .malformedHeader(file: file.name, reason: "it names no tensor") }
        for tensor in tensors where tensor.count == 0 {
            throw .malformedTensor(file: file.name, tensor: tensor.name, reason: "it is empty")
        }
        let layout = AdapterLayout(tensors.map { ($0.name, $0.shape) })
        var failure: SafetensorsError?
        let values = [Float](unsafeUninitializedCapacity: layout.parameterCount) { values, initialized in
            do throws(SafetensorsError) {
                for entry in layout.entries {
                    guard let tensor = file.tensor(entry.name) else {
                        throw .missingTensor(file: file.name, tensor: entry.name)
                    }
                    try tensor.copyFloat32Values(to: UnsafeMutableBufferPointer(rebasing: values[entry.range]))
                }
                initialized = layout.parameterCount
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return (layout, values)
    }
}
