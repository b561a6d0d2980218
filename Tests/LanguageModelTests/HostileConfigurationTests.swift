import FixtureFiles
import Foundation
import LanguageModel
import Testing

/// Sizes and factors of a stranger's `config.json` that would overflow or fill the memory.
@Suite("Hostile model configurations")
struct HostileConfigurationTests {
    /// The configuration of a fixture with other values; a key with a dot names a member of an object.
    private static func read(_ fixture: String, _ changes: [String: any Sendable]) throws -> ModelConfiguration {
        let folder = ScratchFolder()
        let original = try Data(
            contentsOf: URL(filePath: FixtureFiles.path("architectures/\(fixture)/config.json")))
        var members = try #require(try JSONSerialization.jsonObject(with: original) as? [String: Any])
        for (path, value) in changes {
            let keys = path.split(separator: ".").map(String.init)
            members[keys[0]] = changed(members[keys[0]], keys.dropFirst(), value)
        }
        let path = folder.file("config.json")
        try JSONSerialization.data(withJSONObject: members).write(to: URL(filePath: path))
        return try ModelConfiguration(path: path)
    }

    private static func changed(_ old: Any?, _ keys: ArraySlice<String>, _ value: any Sendable) -> Any {
        guard let key = keys.first else { return value }
        var members = old as? [String: Any] ?? [:]
        members[key] = changed(members[key], keys.dropFirst(), value)
        return members
    }

    @Test(
        "more layers than any model has are refused before anything is listed for each",
        arguments: [
            ("llama", "num_hidden_layers"), ("gemma3", "num_hidden_layers"), ("phi", "num_hidden_layers"),
            ("phi3", "num_hidden_layers"), ("gpt2", "n_layer"), ("bert", "num_hidden_layers"),
            ("distilbert", "n_layers"), ("mobilebert", "num_hidden_layers"),
        ])
    func layers(_ fixture: String, _ key: String) throws {
        for count in [4_097, 1 << 24, .max] {
            let error = #expect(throws: ModelError.self) { try Self.read(fixture, [key: count]) }
            #expect("\(String(describing: error))".contains(key))
        }
    }

    @Test(
        "a part of a head that no integer holds",
        arguments: [
            ("phi", "partial_rotary_factor"), ("phi", "rope_parameters.partial_rotary_factor"),
            ("gemma3", "rope_parameters.full_attention.partial_rotary_factor"),
            ("gemma3", "rope_parameters.sliding_attention.partial_rotary_factor"),
        ])
    func partialFactor(_ fixture: String, _ key: String) throws {
        for factor in [1e300, 1e19, 1.25] {
            #expect(throws: ModelError.self) { try Self.read(fixture, [key: factor]) }
        }
    }

    @Test("a stretch that no integer holds ends at the largest size")
    func stretch() throws {
        let unchanged = try Self.read("llama-dynamic", [:]).maximumLength
        let key = "rope_parameters.factor"
        #expect(try Self.read("llama-dynamic", [key: 1e300]).maximumLength == 1 << 24)
        #expect(try Self.read("llama-dynamic", [key: 1e-300]).maximumLength <= unchanged)
    }
}
