internal import ModelFiles
internal import Wire

/// A base model on its way from the coordinator: first its manifest, then every file by its hash.
///
/// Files get their names only once verified, so a file that stands there under its name with its size is done; the
/// manifest is kept as `.manifest.json`, which no manifest can name.
final class ModelDownload {
    /// Unit: bytes.
    static let manifestBytesMax: UInt64 = 1 << 20

    let identity: ContentHash
    let folder: String
    private var manifest: ModelManifest?
    /// What is on its way; `nil` once all is there.
    private(set) var current: ObjectDownload?
    private var remaining: [ModelManifest.File] = []
    private var finishedBytes: UInt64 = 0

    init(_ identity: ContentHash, folder: String) throws(DownloadError) {
        self.identity = identity
        self.folder = folder
        do { try PrivateAccess.makeFolder(folder) } catch { throw .file(error) }
        if let bytes = try? StateFolder.read(folder + "/.manifest.json", bytesMax: Int(Self.manifestBytesMax)),
            ContentHash(of: bytes) == identity, let manifest = try? ModelManifest(decoding: bytes)
        {
            try begin(manifest)
        } else {
            current = ObjectDownload(identity, limit: Self.manifestBytesMax)
        }
    }

    var isComplete: Bool { current == nil }

    /// Unit: bytes; 0 of 0 before the manifest is there.
    var progress: (received: UInt64, total: UInt64) {
        guard let manifest else { return (0, 0) }
        let total = manifest.files.reduce(into: UInt64(0)) { $0 += UInt64($1.size) }
        return (finishedBytes + (current?.received ?? 0), total)
    }

    func take(_ chunk: ObjectChunk, _ payload: [UInt8]) throws(DownloadError) -> ObjectDownload.Step {
        guard let download = current else { return .ignored }
        let step = try download.take(chunk, payload)
        guard step == .complete else { return step }
        if manifest == nil {
            let decoded: ModelManifest
            do { decoded = try ModelManifest(decoding: download.bytes) } catch { throw .manifest(error) }
            do {
                try AtomicFile.write(download.bytes, to: folder + "/.manifest.json", permissions: 0o600)
            } catch { throw .file(error) }
            try begin(decoded)
        } else {
            finishedBytes += download.received
            try nextFile()
        }
        return isComplete ? .complete : .needsRequest
    }

    private func begin(_ manifest: ModelManifest) throws(DownloadError) {
        self.manifest = manifest
        for file in manifest.files {
            if StateFolder.size(of: "\(folder)/\(file.name)") == UInt64(file.size) {
                finishedBytes += UInt64(file.size)
            } else {
                remaining.append(file)
            }
        }
        remaining.reverse()
        try nextFile()
    }

    private func nextFile() throws(DownloadError) {
        current = nil
        guard let file = remaining.popLast() else { return }
        do {
            let partial = try PartialFile(folder: folder, name: file.name)
            current = try ObjectDownload(file.hash, size: UInt64(file.size), into: partial)
        } catch { throw .file(error) }
    }
}
