import FixtureFiles
import Foundation

/// A copy of a fixture that a test may spoil; deleted with the last reference.
final class TemporaryModel {
    let directory: String
    var configurationFile: String { directory + "/config.json" }
    var weightsFile: String { directory + "/model.safetensors" }

    init(copying fixture: String) throws {
        directory = NSTemporaryDirectory() + "/shoal-model-" + UUID().uuidString
        try FileManager.default.copyItem(atPath: FixtureFiles.path("llama/" + fixture), toPath: directory)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Changes keys of `config.json`; `nil` removes one.
    func configure(_ changes: [String: Any?]) throws {
        let url = URL(fileURLWithPath: configurationFile)
        var members = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
        for (key, value) in changes { members[key] = value }
        try JSONSerialization.data(withJSONObject: members).write(to: url)
    }
}
