/// Finds files of the checkout from the place of this source file, so that tests need no working directory.
public enum FixtureFiles {
    /// The absolute path of a committed fixture, for example `tokenizers/bytelevel.json`.
    public static func path(_ name: String) -> String {
        packagePath("Tests/Fixtures/" + name)
    }

    /// The absolute path of anything in the checkout.
    public static func packagePath(_ name: String) -> String {
        var parts = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/") + "/" + name
    }
}
