/// `'s|'t|'re|'ve|'m|'ll|'d|` ` ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
struct GPT2Pattern: WordPattern {
    static let expression = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    func matchEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int {
        let first = scalar(in: bytes, at: position)
        if first.value == 0x27, let end = contractionEnd(in: bytes, at: position, before: limit) { return end }
        let firstClass = ScalarClass(first.value)
        if firstClass != .space { return runEnd(of: firstClass, in: bytes, at: first.end, before: limit) }
        if first.value == 0x20 && first.end < limit {
            let second = scalar(in: bytes, at: first.end)
            let secondClass = ScalarClass(second.value)
            if secondClass != .space { return runEnd(of: secondClass, in: bytes, at: second.end, before: limit) }
        }
        return spaceEnd(in: bytes, at: position, before: limit)
    }

    /// The end of a contraction whose apostrophe is at `position`, in lower case only.
    private func contractionEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int? {
        guard position + 1 < limit else { return nil }
        let first = bytes[position + 1]
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return position + 2
        default: break
        }
        guard position + 2 < limit else { return nil }
        switch (first, bytes[position + 2]) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return position + 3
        default: return nil
        }
    }
}
