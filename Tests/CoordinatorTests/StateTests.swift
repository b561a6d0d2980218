import Coordinator
import Foundation
import ModelFiles
import Testing

@Suite("State directory and blob store")
struct StateTests {
    private let folder = NSTemporaryDirectory() + "shoal-state-\(UUID().uuidString)/deep"

    @Test func oneCoordinatorAtATime() throws {
        var first: StateDirectory? = try StateDirectory(path: folder)
        #expect(throws: StateDirectoryError.inUse(path: folder)) { try StateDirectory(path: folder) }
        #expect(StateDirectory.isHeld(folder))
        #expect(first?.adapter(round: 7).hasSuffix("/adapters/0007") == true)
        first = nil
        #expect(!StateDirectory.isHeld(folder) && !StateDirectory.isHeld(folder + "/missing"))
        _ = try StateDirectory(path: folder)
    }

    @Test func anUploadGoesOnWhereItStoppedAndBecomesABlob() throws {
        let state = try StateDirectory(path: folder)
        let store = try BlobStore(directory: state.path)
        let bytes: [UInt8] = [1, 2, 3, 4, 5]
        let upload = UploadKey(owner: "run-1-1-clinic", object: ContentHash(of: bytes))
        try store.append([1, 2, 3], to: upload)
        let reopened = try BlobStore(directory: state.path)
        #expect(reopened.receivedBytes(of: upload) == 3)
        try reopened.append([4, 5], to: upload)
        #expect(try reopened.map(upload)?.copy() == bytes)
        #expect(!reopened.contains(upload.object))
        try reopened.commit([upload])
        #expect(try reopened.read(upload.object) == bytes)
        // A crash after the rename: the same steps again find the blob.
        #expect(reopened.receivedBytes(of: upload) == 5)
        try reopened.commit([upload])
        #expect(try reopened.map(upload)?.copy() == bytes)
    }

    @Test func aBlobThatIsToGoComesAgainFromItsWorkerAndStays() throws {
        let state = try StateDirectory(path: folder)
        let store = try BlobStore(directory: state.path)
        let uploads = ([1, 2] as [UInt8]).map { UploadKey(owner: "r-1-1-\($0)", object: ContentHash(of: [$0])) }
        for (upload, byte) in zip(uploads, [1, 2] as [UInt8]) { try store.append([byte], to: upload) }
        try store.commit(uploads)
        store.retire(except: [])
        #expect(try store.map(uploads[0]) == nil && store.receivedBytes(of: uploads[0]) == 0)
        try store.append([1], to: uploads[0])
        try store.keep([.uploaded(uploads[0])])
        while store.sweep() {}
        #expect(store.contains(uploads[0].object) && !store.contains(uploads[1].object))
        try store.commit([uploads[0]])
        #expect(throws: FileError.self) { try store.commit([uploads[1]]) }
    }

    @Test func whatCameBothInPiecesAndWholeGoesAltogether() throws {
        let state = try StateDirectory(path: folder)
        let store = try BlobStore(directory: state.path)
        let bytes: [UInt8] = [1, 2, 3]
        let upload = UploadKey(owner: "r-1-1-a", object: ContentHash(of: bytes))
        try store.append(bytes, to: upload)
        try store.keep([.uploaded(upload)])
        try store.keep([.whole(upload.object, bytes)])
        store.retire([upload.object])
        while store.sweep() {}
        #expect(!store.contains(upload.object) && store.objects.isEmpty)
        #expect(try BlobStore(directory: state.path).objects.isEmpty)
    }

    @Test func nobodyElseReadsUpdatesAndNoise() throws {
        let state = try StateDirectory(path: folder)
        let store = try BlobStore(directory: state.path)
        let upload = UploadKey(owner: "r-1-1-a", object: ContentHash(of: [1]))
        try store.append([1], to: upload)
        try store.write([2])
        try store.keep([.whole(ContentHash(of: [3]), [3])])
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder)
        #expect(["partial/", "blobs/", "segments/"].allSatisfy { kind in paths.contains { $0.hasPrefix(kind) } })
        for path in paths + ["."] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + path)
            let mode = try #require(attributes[.posixPermissions] as? Int)
            #expect(mode & 0o077 == 0, "\(path) \(String(mode, radix: 8))")
        }
    }

    @Test func discardingNamesItsUploads() throws {
        let state = try StateDirectory(path: folder)
        let store = try BlobStore(directory: state.path)
        let kept = UploadKey(owner: "r-1-1-a", object: ContentHash(of: [1]))
        let dropped = UploadKey(owner: "r-1-1-b", object: ContentHash(of: [1]))
        try store.append([1], to: kept)
        try store.append([1], to: dropped)
        store.discardUploads { owner, _ in owner == "r-1-1-b" }
        #expect(store.receivedBytes(of: kept) == 1)
        #expect(store.receivedBytes(of: dropped) == 0)
    }
}
