/// A regular expression that known tokenizers use, matched by a scanner written for it.
///
/// Each of these expressions matches at every position, so the pieces are its matches, one after the other.
protocol WordPattern: Splitter {
    /// The end of the match that starts at `position`; `limit` counts as the end of the text.
    func matchEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int
}

extension WordPattern {
    @inline(__always)
    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool) {
        (matchEnd(in: bytes, at: position, before: limit), true)
    }
}

/// The end of the longest run of `scalarClass` that starts at `position`.
@inline(__always)
func runEnd(of scalarClass: ScalarClass, in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int {
    var end = position
    while end < limit {
        let next = scalar(in: bytes, at: end)
        guard ScalarClass(next.value) == scalarClass else { break }
        end = next.end
    }
    return end
}

/// `\s+(?!\S)|\s+`: white space without its last scalar when a word follows, which takes that scalar along.
@inline(__always)
func spaceEnd(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Int {
    let end = runEnd(of: .space, in: bytes, at: position, before: limit)
    if end == limit { return end }
    let last = scalarStart(in: bytes, before: end)
    return last > position ? last : end
}
