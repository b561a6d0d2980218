/// Rows of several texts, one text's after another's, without gaps. The texts may differ in length.
package struct RowBlocks: Hashable, Sendable {
    /// `[count + 1]`: the row at which each block begins, and how many rows there are.
    package let starts: [Int32]

    /// - Parameter lengths: Rows of each block.
    package init(lengths: some Sequence<Int>) {
        var starts: [Int32] = [0]
        var rows = 0
        for length in lengths {
            rows += length
            starts.append(Int32(rows))
        }
        self.starts = starts
    }

    /// - Parameter length: Rows of every block.
    package init(count: Int, length: Int) {
        self.init(lengths: repeatElement(length, count: count))
    }

    package var count: Int { starts.count - 1 }
    package var rows: Int { Int(starts[count]) }

    /// The rows of one block.
    package subscript(block: Int) -> Range<Int> { Int(starts[block])..<Int(starts[block + 1]) }

    /// Each row's place in its block, from 0.
    package var places: [Int32] {
        (0..<count).flatMap { block in (0..<Int32(self[block].count)) }
    }
}
