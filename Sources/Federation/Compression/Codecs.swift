/// The codecs of this release.
public enum Codecs {
    /// Names as people write them, without parameters, in ascending order.
    public static let supported = ["bfloat16", "dense", "eden", "int8", "ternary", "topk", "trellis"]

    /// - Throws: ``CodecError/unknownCodec(_:)``, ``CodecError/unknownParameter(codec:parameter:)`` or
    ///   ``CodecError/invalidParameter(codec:parameter:value:expected:)``.
    public static func make(_ name: CodecName) throws(CodecError) -> any UpdateCodec {
        var parameters = CodecParameters(name)
        let codec: any UpdateCodec =
            switch name.name {
            case "dense": DenseCodec()
            case "bfloat16": BFloat16Codec()
            case "int8": Int8Codec()
            case "eden": try EdenCodec(name, &parameters)
            case "ternary": try TernaryCodec(name, &parameters)
            case "topk": try TopKCodec(name, &parameters)
            case "trellis": try TrellisCodec(name, &parameters)
            default: throw .unknownCodec(name.name)
            }
        try parameters.finish()
        return codec
    }

    /// The most values that a decoder makes of any bytes.
    static let maximumCount = 1 << 31

    static func checkCount(_ count: Int) throws(CodecError) {
        guard (0...maximumCount).contains(count) else { throw .invalidCount(count) }
    }
}
