/// Finds the committed files under `Tests/Fixtures` from the place of this source file.
public enum FixtureFiles {
    /// The absolute path of a fixture, for example `tokenizers/bytelevel.json`.
    public static func path(_ name: String, file: StaticString = #filePath) -> String {
        var parts = "\(file)".split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(2)
        return parts.joined(separator: "/") + "/Fixtures/" + name
    }
}
