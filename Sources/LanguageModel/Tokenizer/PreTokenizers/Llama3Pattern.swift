/// Llama 3's expression, and Qwen2's, which differs only in how many digits stay together.
struct Llama3Pattern: WordPattern {
    static let llama3Expression =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    static let qwen2Expression =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// The most digits in one piece: 3 for Llama 3, 1 for Qwen2.
    let digits: Int

    func matchEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int {
        let first = scalar(in: bytes, at: position)
        if first.value == 0x27, let end = contractionEnd(in: bytes, at: position, before: limit) { return end }
        let firstClass = ScalarClass(first.value)
        switch firstClass {
        case .letter: return runEnd(of: .letter, in: bytes, at: first.end, before: limit)
        case .number: return numberEnd(in: bytes, after: first.end, before: limit)
        case .space, .other: break
        }
        if first.end < limit {
            let second = scalar(in: bytes, at: first.end)
            let secondClass = ScalarClass(second.value)
            // Any scalar but a line break may lead a word.
            if secondClass == .letter && first.value != 0x0A && first.value != 0x0D {
                return runEnd(of: .letter, in: bytes, at: second.end, before: limit)
            }
            if secondClass == .other && first.value == 0x20 {
                return otherEnd(in: bytes, at: second.end, before: limit)
            }
        }
        if firstClass == .other { return otherEnd(in: bytes, at: first.end, before: limit) }
        return lineBreakEnd(in: bytes, at: position, before: limit)
            ?? spaceEnd(in: bytes, at: position, before: limit)
    }

    private func numberEnd(in bytes: Span<UInt8>, after position: Int, before limit: Int) -> Int {
        var end = position
        var count = 1
        while count < digits && end < limit {
            let next = scalar(in: bytes, at: end)
            guard ScalarClass(next.value) == .number else { break }
            end = next.end
            count += 1
        }
        return end
    }

    /// `[^\s\p{L}\p{N}]*[\r\n]*`
    private func otherEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int {
        var end = runEnd(of: .other, in: bytes, at: position, before: limit)
        while end < limit && (bytes[end] == 0x0A || bytes[end] == 0x0D) { end += 1 }
        return end
    }

    /// `\s*[\r\n]+`: white space up to the last line break of its run; nil if it has none.
    private func lineBreakEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int? {
        var end = runEnd(of: .space, in: bytes, at: position, before: limit)
        while end > position {
            if bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { return end }
            end -= 1
        }
        return nil
    }

    /// The end of a contraction whose apostrophe is at `position`, in either case.
    private func contractionEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int? {
        guard position + 1 < limit else { return nil }
        let first = scalar(in: bytes, at: position + 1)
        switch first.value {
        // U+017F, the long s, is an s without its case.
        case 0x73, 0x53, 0x74, 0x54, 0x6D, 0x4D, 0x64, 0x44, 0x17F: return first.end
        default: break
        }
        guard position + 2 < limit else { return nil }
        switch (bytes[position + 1] | 0x20, bytes[position + 2] | 0x20) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return position + 3
        default: return nil
        }
    }
}
