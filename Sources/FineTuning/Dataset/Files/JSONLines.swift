internal import ModelFiles

/// Rows as JSON objects, one a line.
enum JSONLines {
    static func forEachRow(
        _ path: String, lineBytesMax: Int, _ body: (LocatedRow) throws(DataError) -> Void
    ) throws(DataError) {
        var bytes = try FileBytes(path: path)
        var line = 1
        while true {
            let row = try bytes.takeLine(limitBytes: lineBytesMax, line: line) { (text) throws(DataError) -> DataRow? in
                if text.allSatisfy(isSpace) { return nil }
                return try Self.row(text, file: path, line: line)
            }
            guard let row else { return }
            if let row { try body(LocatedRow(row: row, place: .line(file: path, line))) }
            line += 1
        }
    }

    /// JSON's own white space; the carriage return of CRLF files is one.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\n")
    }

    private static func row(
        _ text: UnsafeBufferPointer<UInt8>, file: String, line: Int
    ) throws(DataError) -> DataRow {
        let place = DataPlace.line(file: file, line)
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch .invalidUTF8 {
            throw .invalidUTF8(file: file, line: line)
        } catch {
            throw .malformed(place, reason: "\(error)")
        }
        guard case .object(let members) = value else {
            throw .malformed(place, reason: "a row is an object, this line is \(value.kind)")
        }
        do {
            return try RowFields(members).row()
        } catch {
            throw .malformed(place, reason: error.reason)
        }
    }

    static func members(of row: DataRow) -> [String: JSONValue] {
        var members: [String: JSONValue] = ["split": .string(row.split.rawValue)]
        switch row.content {
        case .text(let text): members["text"] = .string(text)
        case .completion(let prompt, let completion):
            members["prompt"] = .string(prompt)
            members["completion"] = .string(completion)
        case .chat(let messages):
            members["messages"] = .array(
                messages.map { .object(["role": .string($0.role.rawValue), "content": .string($0.content)]) })
        }
        members["worker"] = row.worker.map { .string($0) }
        members["label"] = row.label.map { .string($0) }
        return members
    }
}
