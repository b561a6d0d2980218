/// A round's updates side by side, some columns at a time.
///
/// The updates themselves are held in memory (4 · workers · parameters bytes): every rule looks at all of them at once.
/// What a rule needs beside them is one tile, about a megabyte, and a few matrices of workers × workers.
struct UpdateTiles {
    /// `[count][columns]`
    let updates: [[Float]]
    let columns: Int
    /// Columns of a tile: a multiple of 16.
    let width: Int

    private static let tileValues = 1 << 18

    /// - Precondition: At least one update, all of one length.
    init(_ updates: [[Float]]) {
        precondition(!updates.isEmpty && updates.allSatisfy { $0.count == updates[0].count }, "updates of one shape")
        self.updates = updates
        columns = updates[0].count
        width = max(16, min(4_096, Self.tileValues / updates.count) / 16 * 16)
    }

    /// Visits the tiles in their order.
    ///
    /// - Parameter body: Is given the tile's first column, its columns, and the values, `[count, columns]` row-major.
    func forEach(_ body: (_ first: Int, _ columns: Int, _ tile: UnsafePointer<Float>) -> Void) {
        let tile = UnsafeMutablePointer<Float>.allocate(capacity: updates.count * width)
        defer { tile.deallocate() }
        for first in stride(from: 0, to: columns, by: width) {
            let count = min(width, columns - first)
            for (row, update) in updates.enumerated() {
                update.withUnsafeBufferPointer { values in
                    guard let base = values.baseAddress else { return }
                    (tile + row * count).update(from: base + first, count: count)
                }
            }
            body(first, count, tile)
        }
    }
}
