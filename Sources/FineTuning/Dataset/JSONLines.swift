internal import ModelFiles

/// Rows as JSON objects, one a line.
enum JSONLines {
    /// Parses line by line: beside the rows themselves, memory holds one line at a time.
    static func rows(_ bytes: UnsafeRawBufferPointer, file: String) throws(DataError) -> [DataRow] {
        var rows: [DataRow] = []
        var line = 0
        var start = 0
        while start < bytes.count {
            line += 1
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            let length = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
            let text = UnsafeRawBufferPointer(rebasing: rest[..<length])
            start += length + 1
            if text.allSatisfy(isSpace) { continue }
            rows.append(try row(text, file: file, line: line))
        }
        return rows
    }

    /// JSON's own white space; the carriage return of CRLF files is one.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }

    private static func row(
        _ text: UnsafeRawBufferPointer, file: String, line: Int
    ) throws(DataError) -> DataRow {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text)
        } catch .invalidUTF8 {
            throw .invalidUTF8(file: file, line: line)
        } catch {
            throw .malformedLine(file: file, line: line, reason: "\(error)")
        }
        guard case .object(let members) = value else {
            throw .malformedLine(
                file: file, line: line, reason: "a row is an object, this line is \(value.kind)")
        }
        if members["messages"] != nil { throw .chat(file: file, line: line) }
        do {
            return try RowFields(members).row()
        } catch {
            throw .malformedLine(file: file, line: line, reason: error.reason)
        }
    }

    static func members(of row: DataRow) -> [String: JSONValue] {
        var members: [String: JSONValue] = ["split": .string(row.split.rawValue)]
        switch row.content {
        case .text(let text): members["text"] = .string(text)
        case .completion(let prompt, let completion):
            members["prompt"] = .string(prompt)
            members["completion"] = .string(completion)
        }
        members["worker"] = row.worker.map { .string($0) }
        members["label"] = row.label.map { .string($0) }
        return members
    }
}

/// The fields of one row, whatever file they come from.
struct RowFields {
    struct Invalid: Error { let reason: String }

    private let members: [String: JSONValue]

    init(_ members: [String: JSONValue]) {
        self.members = members
    }

    func row() throws(Invalid) -> DataRow {
        let text = try string("text")
        let prompt = try string("prompt")
        let completion = try string("completion")
        let content: DataRow.Content
        switch (text, prompt, completion) {
        case (let text?, nil, nil): content = .text(text)
        case (nil, let prompt?, let completion?): content = .completion(prompt: prompt, completion: completion)
        default:
            let found = ["text", "prompt", "completion"].filter { members[$0] != nil }
            throw Invalid(
                reason: "a row is \(DataError.supportedForms); this one has "
                    + (found.isEmpty ? "none of those fields" : "only " + found.joined(separator: " and ")))
        }
        let worker = try string("worker")
        if worker == "" { throw Invalid(reason: "worker is empty") }
        return DataRow(content, split: try split(), worker: worker, label: try label())
    }

    private func split() throws(Invalid) -> DataRow.Split {
        guard let name = try string("split") else { return .train }
        guard let split = DataRow.Split(rawValue: name) else {
            throw Invalid(reason: "split must be \"train\" or \"test\", it is \"\(name.prefix(40))\"")
        }
        return split
    }

    /// A string; many data sets number their classes, so a whole number is taken as its digits.
    private func label() throws(Invalid) -> String? {
        if case .integer(let number)? = members["label"] { return String(number) }
        return try string("label")
    }

    /// `nil` if the field is absent or null.
    private func string(_ field: String) throws(Invalid) -> String? {
        switch members[field] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        case let other?: throw Invalid(reason: "\(field) must be a string, it is \(other.kind)")
        }
    }
}
