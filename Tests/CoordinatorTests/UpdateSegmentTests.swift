import Coordinator
import Foundation
import ModelFiles
import Testing

@Suite("Small updates kept together")
struct UpdateSegmentTests {
    private let state: String
    private let first: [UInt8] = Array(repeating: 7, count: 5_000)
    private let second: [UInt8] = [1, 2, 3]

    init() throws {
        state = NSTemporaryDirectory() + "shoal-segments-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    }

    private var files: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: state + "/segments").sorted()
                .map { state + "/segments/" + $0 }
        }
    }

    private func whole(_ bytes: [UInt8]) -> ReceivedUpdate { .whole(ContentHash(of: bytes), bytes) }

    @Test func aBatchIsOneFileThatAnotherProcessReads() throws {
        let store = try BlobStore(directory: state)
        try store.keep([whole(first), whole(second)])
        #expect(try files.count == 1)
        let reopened = try BlobStore(directory: state)
        for bytes in [first, second] {
            let object = ContentHash(of: bytes)
            #expect(reopened.contains(object))
            #expect(try reopened.read(object) == bytes)
        }
        // Never behind what an earlier process left.
        try reopened.keep([whole([9])])
        #expect(try files.count == 2)
    }

    @Test("what a crash left unfinished is not there, and the rest is", arguments: [1, 39, 40, 42])
    func torn(cut: Int) throws {
        let store = try BlobStore(directory: state)
        try store.keep([whole(first)])
        let entry = try Data(contentsOf: URL(fileURLWithPath: files[0]))
        let object = ContentHash(of: second)
        var unfinished = Data(object.bytes)
        withUnsafeBytes(of: UInt64(second.count).littleEndian) { unfinished.append(contentsOf: $0) }
        unfinished += second
        try (entry + unfinished.prefix(cut)).write(to: URL(fileURLWithPath: files[0]))
        let reopened = try BlobStore(directory: state)
        #expect(try reopened.read(ContentHash(of: first)) == first)
        #expect(!reopened.contains(object))
    }

    @Test func aFileGoesWithItsLastUpdate() throws {
        let store = try BlobStore(directory: state)
        try store.keep([whole(first), whole(second)])
        store.remove(ContentHash(of: first))
        #expect(try store.read(ContentHash(of: second)) == second && files.count == 1)
        store.remove(ContentHash(of: second))
        #expect(try files.isEmpty)
        try store.keep([whole(first)])
        store.discardUpdates()
        #expect(try files.count == 1 && !store.contains(ContentHash(of: first)))
        #expect(try store.sweep() && files.isEmpty)
        #expect(!store.sweep())
    }

    @Test func whatIsWrittenAgainIsNotSweptAway() throws {
        let store = try BlobStore(directory: state)
        let large = try store.write([4, 5, 6])
        let other = try store.write([7, 8, 9])
        try store.keep([whole(first), whole(second)])
        store.retire([large, other, ContentHash(of: first), ContentHash(of: second)])
        try store.write([4, 5, 6])
        try store.keep([whole(first)])
        while store.sweep() {}
        #expect(try store.read(large) == [4, 5, 6] && store.read(ContentHash(of: first)) == first)
        #expect(!store.contains(other) && !store.contains(ContentHash(of: second)))
    }

    @Test func theSameObjectAgainIsTheLaterOne() throws {
        let store = try BlobStore(directory: state)
        try store.keep([whole(first)])
        // As a power cut may leave it: named, but not written.
        let length: [UInt8] = [136, 19, 0, 0, 0, 0, 0, 0]
        let spoilt = ContentHash(of: first).bytes + length + [UInt8](repeating: 0, count: 5_000)
        try Data(spoilt).write(to: URL(fileURLWithPath: files[0]))
        let reopened = try BlobStore(directory: state)
        try reopened.keep([whole(first)])
        #expect(try reopened.read(ContentHash(of: first)) == first)
        #expect(try files.count == 1)
        reopened.remove(ContentHash(of: first))
        #expect(try files.isEmpty)
    }
}
