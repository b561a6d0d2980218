extension [UInt8] {
    /// Lends the bytes to a decoder, whose error keeps its type.
    func lend<Value>(
        _ body: (UnsafeRawBufferPointer) throws(CodecError) -> Value
    ) throws(CodecError) -> Value {
        try withUnsafeBytes { bytes in Result { () throws(CodecError) in try body(bytes) } }.get()
    }
}
