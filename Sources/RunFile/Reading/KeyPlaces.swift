/// Where a run file and the overrides set their keys, for problems that show only later, with the model at hand.
///
/// It says nothing about the run: any two are equal.
struct KeyPlaces: Sendable {
    /// What to name where no key of several was set.
    var file = "run.yaml"
    /// `run.yaml:12` or `--set adapter.rank=8`, by key.
    var locations: [String: String] = [:]

    /// The first of `keys` that was set is where a problem between them is reported.
    func location(of keys: [String]) -> String {
        keys.lazy.compactMap { locations[$0] }.first ?? file
    }
}

extension KeyPlaces: Hashable {
    static func == (left: KeyPlaces, right: KeyPlaces) -> Bool { true }

    func hash(into hasher: inout Hasher) {}
}

extension RunConfiguration {
    /// A refusal of what only the model, or another input, shows to be impossible.
    ///
    /// - Parameters:
    ///   - keys: Those involved; the first that the file or an override sets is named.
    ///   - message: What is wrong and the remedy.
    public func refusal(of keys: [String], _ message: String) -> RunFileError {
        RunFileError(location: places.location(of: keys), message: message)
    }
}
