public import ModelFiles

/// What surrounds a run's trained values where they are no adapter by themselves: Fed-SB's fixed factors.
public struct FixedFactors {
    /// Of the adapter that people load.
    let layout: AdapterLayout
    /// The factors as an object that workers download.
    public let object: ContentHash
    let bytes: [UInt8]
    /// From the run's trained values to the adapter's, `[layout.parameterCount]`.
    let adapter: ([Float]) -> [Float]

    /// - Parameter values: The fixed factors, `[layout.parameterCount]`.
    public init(layout: AdapterLayout, values: [Float], adapter: @escaping ([Float]) -> [Float]) {
        self.layout = layout
        self.adapter = adapter
        bytes = AdapterObject.encode(layout: layout, values: values)
        object = ContentHash(of: bytes)
    }
}
