public import ModelFiles

/// The run's base model as the coordinator offers it for download.
public struct BaseModel: Sendable {
    /// The SHA-256 of `manifest`.
    public let identity: ContentHash
    let manifest: [UInt8]
    private let paths: [ContentHash: String]

    /// - Parameters:
    ///   - manifest: Of the files in `directory`.
    ///   - directory: Where they lie; they must not change while the coordinator runs.
    public init(manifest: ModelManifest, directory: String) {
        self.manifest = manifest.encoded()
        identity = ContentHash(of: self.manifest)
        paths = Dictionary(
            manifest.files.map { ($0.hash, directory + "/" + $0.name) }, uniquingKeysWith: { first, _ in first })
    }

    func path(of object: ContentHash) -> String? { paths[object] }
}
