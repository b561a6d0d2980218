import FixtureFiles
import ModelFiles
import RunFile

enum RunFileFuzzing {
    /// A run file, a ledger's canonical form, or lines of overrides.
    static func read(_ bytes: [UInt8]) throws -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = text.split(separator: "\n", maxSplits: 8).map(String.init)
        let isForm = (try? RunConfiguration(canonicalJSON: text)) != nil
        let areOverrides = (try? RunConfiguration(yaml: minimal, name: "f", overrides: lines)) != nil
        guard let configuration = try? RunConfiguration(yaml: text, name: "f") else { return isForm || areOverrides }
        let again = try? RunConfiguration(canonicalJSON: configuration.canonicalJSON)
        try expect(again == configuration, "a run file that its canonical form does not hold")
        return true
    }

    private static let minimal = """
        model: m
        federation:
          workers: 9
          rounds: 3
        """

    static func seeds() throws -> [[UInt8]] {
        var seeds = [Array("training.learning-rate=0.1\nfederation.rounds=3\ncompression.uplink=eden:bits=4".utf8)]
        for name in ["causal", "classification", "full", "minimal"] {
            let bytes = try MappedFile(path: FixtureFiles.path("runfile/\(name).yaml")).copy()
            let configuration = try RunConfiguration(yaml: String(decoding: bytes, as: UTF8.self), name: name)
            seeds += [bytes, Array(configuration.canonicalJSON.utf8)]
        }
        return seeds
    }
}
