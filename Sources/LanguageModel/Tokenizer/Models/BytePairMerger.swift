/// Joins neighbouring symbols by the best merge, the leftmost first among equals, until none applies.
///
/// Short words are scanned for the best pair again and again; long ones, such as a whole text without spaces, go through
/// a heap of pairs, which takes time proportional to n log n.
struct BytePairMerger {
    /// The word's symbols; the caller fills them in and takes the tokens out.
    var symbols: [Int32] = []

    /// Per symbol, the merge with its successor.
    private var pairs: [MergeTable.Merge] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// A binary heap, smallest first, of rank (above) and position (below). It may hold pairs that are gone.
    private var heap: [UInt64] = []

    private static let longestScan = 48

    /// Merges `symbols` in place.
    mutating func merge(by table: MergeTable) {
        if symbols.count < 2 { return }
        pairs.removeAll(keepingCapacity: true)
        for index in 1..<symbols.count { pairs.append(table[symbols[index - 1], symbols[index]]) }
        pairs.append(MergeTable.none)
        if symbols.count <= Self.longestScan { mergeByScanning(table) } else { mergeByHeap(table) }
    }

    private mutating func mergeByScanning(_ table: MergeTable) {
        var count = symbols.count
        while true {
            var best = MergeTable.none
            var position = 0
            for index in 0..<count where pairs[index] < best {
                best = pairs[index]
                position = index
            }
            if best == MergeTable.none { break }
            symbols[position] = MergeTable.token(best)
            count -= 1
            var index = position + 1
            while index < count {
                symbols[index] = symbols[index + 1]
                pairs[index] = pairs[index + 1]
                index += 1
            }
            pairs[position] = position + 1 < count ? table[symbols[position], symbols[position + 1]] : MergeTable.none
            if position > 0 { pairs[position - 1] = table[symbols[position - 1], symbols[position]] }
        }
        symbols.removeSubrange(count...)
    }

    private mutating func mergeByHeap(_ table: MergeTable) {
        let count = symbols.count
        precondition(count < Int32.max, "a word of \(count) symbols")
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
        for index in 0..<count {
            next.append(Int32(index + 1))
            previous.append(Int32(index - 1))
            if pairs[index] != MergeTable.none { push(pairs[index], at: index) }
        }
        while let top = pop() {
            let position = Int(UInt32(truncatingIfNeeded: top))
            let merge = pairs[position]
            // The pair may have changed since it was pushed; if it has the same rank, it is the same pair.
            guard merge != MergeTable.none, MergeTable.rank(merge) == UInt32(top >> 32) else { continue }
            let consumed = Int(next[position])
            let following = Int(next[consumed])
            symbols[position] = MergeTable.token(merge)
            pairs[consumed] = MergeTable.none
            symbols[consumed] = -1
            next[position] = Int32(following)
            pairs[position] = MergeTable.none
            if following < count {
                previous[following] = Int32(position)
                pairs[position] = table[symbols[position], symbols[following]]
                if pairs[position] != MergeTable.none { push(pairs[position], at: position) }
            }
            let before = Int(previous[position])
            if before >= 0 {
                pairs[before] = table[symbols[before], symbols[position]]
                if pairs[before] != MergeTable.none { push(pairs[before], at: before) }
            }
        }
        symbols.removeAll { $0 < 0 }
    }

    private mutating func push(_ merge: MergeTable.Merge, at position: Int) {
        let entry = UInt64(MergeTable.rank(merge)) << 32 | UInt64(position)
        var child = heap.count
        heap.append(entry)
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent] <= entry { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    private mutating func pop() -> UInt64? {
        guard let top = heap.first else { return nil }
        let entry = heap.removeLast()
        if heap.isEmpty { return top }
        var parent = 0
        while true {
            var child = parent * 2 + 1
            if child >= heap.count { break }
            if child + 1 < heap.count && heap[child + 1] < heap[child] { child += 1 }
            if entry <= heap[child] { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = entry
        return top
    }
}
