internal import Glibc
import ModelFiles

/// A run as an event file that `tensorboard --logdir` shows.
///
/// Events are written in protocol buffers' wire format by hand: TensorFlow's `Event` with one `Summary.Value` each.
///
/// - SeeAlso: `event.proto` and `summary.proto` of TensorFlow.
public enum TensorBoardEvents {
    /// Writes what the folder's file does not have yet to its end, so that a TensorBoard that is reading it goes on.
    ///
    /// - Parameter folder: TensorBoard's `--logdir`; the run gets a folder of its own in it.
    /// - Returns: The file.
    @discardableResult
    public static func update(_ run: TrackedRun, in folder: String) throws -> String {
        let path = "\(folder)/\(run.id)/events.out.tfevents.\(run.startedAt).shoal"
        let old: [UInt8]
        do { old = try MappedFile(path: path).copy() } catch {
            guard error.isMissing else { throw error }
            try createFolders(above: path)
            try AtomicFile.write(encode(run), to: path)
            return path
        }
        // A process that was killed may have left half a record.
        let (records, byteCount) = RecordFile.read(old)
        let known = Set(records)
        let missing = events(run).filter { !known.contains($0) }
        guard !missing.isEmpty || byteCount < old.count else { return path }
        try append(missing.flatMap(RecordFile.frame), to: path, at: byteCount)
        return path
    }

    /// A new file's bytes.
    static func encode(_ run: TrackedRun) -> [UInt8] { events(run).flatMap(RecordFile.frame) }

    private static func events(_ run: TrackedRun) -> [[UInt8]] {
        var version = Protobuf()
        version.double(1, Double(run.startedAt))
        version.bytes(3, Array("brain.Event:2".utf8))
        let text = (["| setting | value |", "|---|---|"] + run.settings.map { "| \($0.name) | `\($0.value)` |" })
            .joined(separator: "\n")
        return [version.encoded, event(step: 0, at: run.startedAt, settings(text))]
            + run.metrics.map { metric in
                var value = Protobuf()
                value.bytes(1, Array(metric.name.utf8))
                value.float(2, Float(metric.value))
                return event(step: metric.step, at: metric.at, value)
            }
    }

    private static func event(step: Int, at: Int64, _ value: Protobuf) -> [UInt8] {
        var summary = Protobuf()
        summary.bytes(1, value.encoded)
        var event = Protobuf()
        event.double(1, Double(at))
        if step != 0 { event.varint(2, UInt64(step)) }
        event.bytes(5, summary.encoded)
        return event.encoded
    }

    /// Markdown for TensorBoard's text page: a string tensor of the `text` plugin.
    private static func settings(_ text: String) -> Protobuf {
        var plugin = Protobuf()
        plugin.bytes(1, Array("text".utf8))
        var metadata = Protobuf()
        metadata.bytes(1, plugin.encoded)
        metadata.varint(4, 2)  // DATA_CLASS_TENSOR
        var tensor = Protobuf()
        tensor.varint(1, 7)  // DT_STRING
        tensor.bytes(2, [])  // A shape without dimensions.
        tensor.bytes(8, Array(text.utf8))
        var value = Protobuf()
        value.bytes(1, Array("settings".utf8))
        value.bytes(8, tensor.encoded)
        value.bytes(9, metadata.encoded)
        return value
    }

    static func createFolders(above path: String) throws(FileError) {
        var folder = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false).dropLast() {
            folder += part + "/"
            guard folder != "/", mkdir(folder, 0o755) != 0, errno != EEXIST else { continue }
            throw FileError.last("create", folder)
        }
    }

    private static func append(_ bytes: [UInt8], to path: String, at position: Int) throws(FileError) {
        let descriptor = retryingInterrupts { open(path, O_WRONLY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw FileError.last("open", path) }
        defer { close(descriptor) }
        guard ftruncate(descriptor, position) == 0 else { throw FileError.last("cut", path) }
        var done = 0
        while done < bytes.count {
            let written = retryingInterrupts {
                bytes[done...].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, position + done) }
            }
            guard written > 0 else { throw FileError.last("write", path) }
            done += written
        }
    }
}

/// A message in protocol buffers' wire format; fields in ascending order, as their own encoders write them.
private struct Protobuf {
    private(set) var encoded: [UInt8] = []

    mutating func varint(_ field: Int, _ value: UInt64) {
        tag(field, 0)
        append(value)
    }

    mutating func double(_ field: Int, _ value: Double) {
        tag(field, 1)
        encoded.appendLittleEndian(value.bitPattern)
    }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        tag(field, 2)
        append(UInt64(value.count))
        encoded += value
    }

    mutating func float(_ field: Int, _ value: Float) {
        tag(field, 5)
        encoded.appendLittleEndian(value.bitPattern)
    }

    private mutating func tag(_ field: Int, _ type: UInt64) { append(UInt64(field) << 3 | type) }

    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            encoded.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        encoded.append(UInt8(rest))
    }
}
