/// An array's bytes at one address, for as long as somebody refers to this object.
///
/// `@unchecked Sendable` is safe: an array's elements lie in one allocation that lives as long as any copy of the array, and
/// a copy that nobody else can reach is never written to; so what ``bytes`` points to stays the same until `deinit`.
final class OwnedBytes: @unchecked Sendable {
    private let array: [UInt8]
    let bytes: UnsafeRawBufferPointer

    init(_ array: [UInt8]) {
        self.array = array
        bytes = array.withUnsafeBytes { $0 }
    }
}
