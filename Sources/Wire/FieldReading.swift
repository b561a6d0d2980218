import CWire
import Glibc
import Federation
import ModelFiles

// Each reader turns one unpacked field into a checked value or says which field is wrong.

func wireText(
    _ pointer: UnsafeMutablePointer<CChar>?, _ field: String, limit: Int
) throws(WireError) -> String {
    guard let pointer else { throw .malformed("\(field) is missing") }
    guard strnlen(pointer, limit + 1) <= limit else { throw .malformed("\(field) is over \(limit) bytes") }
    // protobuf-c copies string fields without checking their encoding.
    guard let text = String(validatingCString: pointer) else { throw .malformed("\(field) is not UTF-8") }
    guard !text.unicodeScalars.contains(where: \.isControl) else {
        throw .malformed("\(field) holds control characters")
    }
    return text
}

func wireTexts(
    _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, count: Int, _ field: String, limit: Int,
    countLimit: Int
) throws(WireError) -> [String] {
    try checkCount(count, field, limit: countLimit)
    guard let pointers, count > 0 else { return [] }
    var texts: [String] = []
    texts.reserveCapacity(count)
    for index in 0..<count { texts.append(try wireText(pointers[index], field, limit: limit)) }
    return texts
}

func wireWorker(_ pointer: UnsafeMutablePointer<CChar>?, _ field: String) throws(WireError) -> WorkerName {
    guard let name = WorkerName(try wireText(pointer, field, limit: 64)) else {
        throw .malformed("\(field) is not a worker name")
    }
    return name
}

func wireCodec(_ pointer: UnsafeMutablePointer<CChar>?, _ field: String) throws(WireError) -> CodecName {
    guard let codec = CodecName(try wireText(pointer, field, limit: WireLimits.nameBytes)) else {
        throw .malformed("\(field) is not a codec (NAME[:key=value,…])")
    }
    return codec
}

/// Bytes of exactly one length.
func wireBytes(_ data: ProtobufCBinaryData, _ field: String, count: Int) throws(WireError) -> [UInt8] {
    guard data.len == count, let start = data.data else {
        throw .malformed("\(field) has \(data.len) bytes instead of \(count)")
    }
    return Array(UnsafeBufferPointer(start: start, count: count))
}

/// Bytes of any length up to a limit.
func wireBytes(_ data: ProtobufCBinaryData, _ field: String, limit: Int) throws(WireError) -> [UInt8] {
    guard data.len <= limit else { throw .malformed("\(field) is over \(limit) bytes") }
    guard let start = data.data else { return [] }
    return Array(UnsafeBufferPointer(start: start, count: data.len))
}

func wireHash(_ data: ProtobufCBinaryData, _ field: String) throws(WireError) -> ContentHash {
    guard let hash = ContentHash(bytes: try wireBytes(data, field, count: 32)) else {
        throw .malformed("\(field) is not a hash")
    }
    return hash
}

func wireKey(_ data: ProtobufCBinaryData, _ field: String) throws(WireError) -> PublicKey {
    guard let key = PublicKey(bytes: try wireBytes(data, field, count: 32)) else {
        throw .malformed("\(field) is not a key")
    }
    return key
}

func wireFinite<Value: BinaryFloatingPoint>(
    _ value: Value, _ field: String, in range: ClosedRange<Value>? = nil
) throws(WireError) -> Value {
    guard value.isFinite else { throw .malformed("\(field) is not finite") }
    if let range, !range.contains(value) { throw .malformed("\(field) is out of range") }
    return value
}

// The run file's ranges for the same numbers.
extension ClosedRange<Double> {
    /// Above 0.
    static let positive = Double.leastNonzeroMagnitude...Double.greatestFiniteMagnitude
    static let nonNegative = 0...Double.greatestFiniteMagnitude
    /// `[0, 1)`
    static let fraction = 0...1.0.nextDown
}

func wireCount(_ value: UInt32, _ field: String, atLeast minimum: UInt32) throws(WireError) -> UInt32 {
    guard value >= minimum else { throw .malformed("\(field) is \(value), at least \(minimum) is needed") }
    return value
}

/// A position in, or the size of, an object.
func wireObjectBytes(_ value: UInt64, _ field: String) throws(WireError) -> UInt64 {
    guard value <= WireLimits.objectBytes else { throw .malformed("\(field) is over \(WireLimits.objectBytes) bytes") }
    return value
}

/// The messages of a repeated field.
func wireEntries<Entry, Value>(
    _ pointers: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?, count: Int, _ field: String,
    _ read: (Entry) throws(WireError) -> Value
) throws(WireError) -> [Value] {
    try checkCount(count, field, limit: WireLimits.entryCount)
    guard let pointers, count > 0 else { return [] }
    var values: [Value] = []
    values.reserveCapacity(count)
    for index in 0..<count { values.append(try read(try present(pointers[index], field))) }
    return values
}

/// A sub-message, which a sender may leave out.
func present<Pointee>(_ pointer: UnsafeMutablePointer<Pointee>?, _ field: String) throws(WireError) -> Pointee {
    guard let pointer else { throw .malformed("\(field) is missing") }
    return pointer.pointee
}

func unknownValue(_ value: UInt32, _ field: String) -> WireError {
    .malformed("\(field) has the value \(value), which is not known here; install the same Shoal release on both sides")
}

private func checkCount(_ count: Int, _ field: String, limit: Int) throws(WireError) {
    guard count <= limit else { throw .malformed("\(field) has \(count) entries, the limit is \(limit)") }
}

extension Unicode.Scalar {
    /// Whether it is of the general category Cc: C0, delete or C1.
    var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}
