/// Matches single scalars that have a trait.
struct TraitSplitter: Splitter {
    private let trait: ScalarTraits
    private let table = ScalarTraits.table

    init(_ trait: ScalarTraits) {
        self.trait = trait
    }

    func nextPart(in bytes: Span<UInt8>, at position: Int, before limit: Int) -> (end: Int, isMatch: Bool) {
        var end = position
        while end < limit {
            let next = scalar(in: bytes, at: end)
            if ScalarTraits.of(next.value, in: table).contains(trait) {
                return end == position ? (next.end, true) : (end, false)
            }
            end = next.end
        }
        return (limit, false)
    }
}
