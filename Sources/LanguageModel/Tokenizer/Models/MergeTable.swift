/// The merges of a byte-pair model: which pairs of tokens join, in what order of preference, and into what.
struct MergeTable {
    /// A merge packed so that comparing compares preference: the rank above, the joined token's id below.
    typealias Merge = UInt64
    static let none = Merge.max

    private var keys: [UInt64]
    private var merges: [Merge]
    private let shift: UInt64

    private static let freeKey = UInt64.max

    /// - Parameter count: How many merges will be inserted at most.
    init(capacityFor count: Int) {
        var bits: UInt64 = 4
        while 1 << bits < count * 2 { bits += 1 }
        keys = [UInt64](repeating: Self.freeKey, count: 1 << bits)
        merges = [Merge](repeating: Self.none, count: 1 << bits)
        shift = 64 - bits
    }

    static func rank(_ merge: Merge) -> UInt32 { UInt32(truncatingIfNeeded: merge >> 32) }

    static func token(_ merge: Merge) -> Int32 { Int32(truncatingIfNeeded: merge) }

    /// The merge of `left` followed by `right`, or `none`.
    @inline(__always)
    subscript(left: Int32, right: Int32) -> Merge {
        let key = Self.key(left, right)
        var slot = firstSlot(key)
        while true {
            let found = keys[slot]
            if found == key { return merges[slot] }
            if found == Self.freeKey { return Self.none }
            slot = (slot + 1) & (keys.count - 1)
        }
    }

    /// A pair named twice keeps its later rank, as `tokenizers` has it.
    mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, token: Int32) {
        let key = Self.key(left, right)
        var slot = firstSlot(key)
        while keys[slot] != key && keys[slot] != Self.freeKey { slot = (slot + 1) & (keys.count - 1) }
        keys[slot] = key
        merges[slot] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: token))
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Fibonacci hashing: the high bits of the product depend on all bits of the key.
    @inline(__always)
    private func firstSlot(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: ((key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15) >> shift)
    }
}
