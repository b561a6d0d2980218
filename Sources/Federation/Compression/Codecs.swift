/// The codecs of this release.
public enum Codecs {
    /// Names as people write them, without parameters, in ascending order.
    public static let supported = ["dense"]

    /// - Throws: ``CodecError/unknownCodec(_:)``, or ``CodecError/unknownParameter(codec:parameter:)``.
    public static func make(_ name: CodecName) throws(CodecError) -> any UpdateCodec {
        switch name.name {
        case "dense":
            if let parameter = name.parameters.keys.min() {
                throw .unknownParameter(codec: name.name, parameter: parameter)
            }
            return DenseCodec()
        default:
            throw .unknownCodec(name.name)
        }
    }
}
