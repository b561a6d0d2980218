import BuiltIn
import Foundation
import ModelFiles

/// The base model and text inside this program, unpacked for those who name them `built-in`.
enum BuiltInModel {
    static let name = "built-in"

    /// The directory behind a model's name: itself, or where the built-in model was unpacked.
    static func resolve(_ path: String) throws -> String {
        guard path == name else { return path }
        let directory = try folder() + "/model"
        try BuiltInFiles.writeModel(to: directory)
        return directory
    }

    /// The file behind a data set's name.
    static func resolveData(_ path: String) throws -> String {
        guard path == name else { return path }
        let file = try folder() + "/notes.jsonl"
        try AtomicFile.write(BuiltInFiles.data, to: file)
        return file
    }

    /// Named by its content, so that another release's files never stand in its place.
    private static func folder() throws -> String {
        var hasher = ContentHash.Hasher()
        for file in BuiltInFiles.files { hasher.update(file.bytes) }
        let path = "\(CacheFolder.path)/built-in-\(hasher.finished().description.prefix(16))"
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandFailure.badInput(
                "cannot unpack the built-in model and text into \(path); set SHOAL_CACHE to a folder that this user "
                    + "can write")
        }
        return path
    }
}
