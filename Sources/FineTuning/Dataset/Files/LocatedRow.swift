/// A row on its way from a data file, with the place that errors about it name.
package struct LocatedRow: Sendable {
    package var row: DataRow
    package let place: DataPlace
    /// False for a piece of a long plain text that continues the piece before it.
    package var isStart = true
    /// False for a piece that the next one continues.
    package var isEnd = true
}
