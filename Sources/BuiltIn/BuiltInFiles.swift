import CBuiltIn
import FoundationEssentials

/// The small base model, the notes of ten simulated organisations and the run file that the program carries inside itself,
/// so that a demonstration needs no download. `Sources/CBuiltIn/made-by` holds the scripts that made them.
public enum BuiltInFiles {
    /// One embedded file.
    public struct File: Sendable {
        /// The file's name, without a folder.
        public let name: String
        private let index: Int

        fileprivate init(at index: Int) {
            self.index = index
            name = String(cString: shoal_built_in_file_at(index).name)
        }

        /// A copy of the file's bytes.
        public var bytes: [UInt8] {
            let file = shoal_built_in_file_at(index)
            return Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
        }
    }

    /// Every embedded file: the model's three, `notes.jsonl` and `demo.yaml`.
    public static let files: [File] = (0..<shoal_built_in_file_count()).map(File.init(at:))

    /// The private notes, one JSON object `{"worker", "split", "text"}` a line, UTF-8.
    public static var data: [UInt8] { named("notes.jsonl").bytes }

    /// The demonstration's run file, YAML. Its `model` and `data.path` are `built-in`.
    public static var runFile: String { String(decoding: named("demo.yaml").bytes, as: UTF8.self) }

    /// Writes the base model as a Hugging Face directory: `config.json`, `tokenizer.json` and `model.safetensors`.
    ///
    /// Each file appears whole or not at all, and one that is already there is replaced.
    /// - Parameter directory: A path; the folder is created, with those above it, where it is missing.
    public static func writeModel(to directory: String) throws(BuiltInFilesError) {
        let folder = URL(filePath: directory, directoryHint: .isDirectory)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw .cannotCreateFolder(path: directory, reason: "\(error)")
        }
        for name in ["config.json", "tokenizer.json", "model.safetensors"] {
            let path = folder.appending(path: name)
            do {
                try Data(named(name).bytes).write(to: path, options: .atomic)
            } catch {
                throw .cannotWrite(path: path.path, reason: "\(error)")
            }
        }
    }

    private static func named(_ name: String) -> File {
        guard let file = files.first(where: { $0.name == name }) else {
            preconditionFailure("built_in.c embeds no \(name)")
        }
        return file
    }
}
