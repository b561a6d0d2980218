/// Parts numbers (general category N) from other text, one scalar at a time or as whole runs.
struct DigitsPreTokenizer: PreTokenizer {
    let individually: Bool

    func apply(to pieces: inout PieceList) {
        pieces.split(DigitSplitter(), individually ? .isolated : .contiguous)
    }
}

/// Matches single scalars of general category N, as Rust's `char::is_numeric` has it (Unicode 17).
struct DigitSplitter: Splitter {
    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool) {
        var end = position
        while end < limit {
            let next = scalar(in: bytes, at: end)
            if Self.isNumber(next.value) { return end == position ? (next.end, true) : (end, false) }
            end = next.end
        }
        return (limit, false)
    }

    @inline(__always)
    private static func isNumber(_ value: UInt32) -> Bool {
        if value < 0x80 { return value >= 0x30 && value <= 0x39 }
        guard let scalar = Unicode.Scalar(value) else { return false }
        return scalar.isNumber && scalar.isAssigned(inUnicode: 17, 0)
    }
}
