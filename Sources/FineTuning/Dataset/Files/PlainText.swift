/// A plain text file: one training text, which comes in pieces of whole lines where it is long.
///
/// Only at a piece's end, behind a line break, may its tokens differ from those of the text in one piece.
package enum PlainText {
    /// Shorter texts come in one piece.
    package static let pieceBytes = 16 << 20

    package static func forEachPiece(
        _ path: String, lineBytesMax: Int, pieceBytes: Int = pieceBytes,
        _ body: (LocatedRow) throws(DataError) -> Void
    ) throws(DataError) {
        var bytes = try FileBytes(path: path)
        var line = 1
        var isStart = true
        while true {
            let firstLine = line
            var piece = ""
            while piece.utf8.count < pieceBytes {
                let text = try bytes.takeLine(limitBytes: lineBytesMax, line: line) { (text) throws(DataError) in
                    guard let text = String(validating: text, as: UTF8.self) else {
                        throw .invalidUTF8(file: path, line: line)
                    }
                    return text
                }
                guard let text else { break }
                piece += text
                line += 1
            }
            let isEnd = try bytes.peek() == nil
            if isStart && isEnd && piece.allSatisfy(\.isWhitespace) { return }
            try body(
                LocatedRow(
                    row: DataRow(.text(piece)), place: .line(file: path, firstLine), isStart: isStart, isEnd: isEnd))
            if isEnd { return }
            isStart = false
        }
    }
}
