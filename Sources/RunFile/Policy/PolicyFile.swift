internal import Glibc

extension OwnerPolicy {
    /// Reads a policy file, which only its owner may change.
    ///
    /// - Parameter path: The file; its last component names it in problems.
    /// - Throws: Also where the file belongs to somebody else than this process's user and root, or where its group or
    ///   others may write it: whoever can change the policy has none.
    public static func load(path: String) throws(RunFileError) -> OwnerPolicy {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let text = try BoundedFile.text(path: path, limit: RunConfiguration.maximumFileBytes) {
            (status) throws(RunFileError) in
            guard status.st_uid == geteuid() || status.st_uid == 0 else {
                throw RunFileError(
                    location: path,
                    message: "belongs to user \(status.st_uid), not to the one who runs this worker; make a copy of "
                        + "your own")
            }
            guard status.st_mode & 0o022 == 0 else {
                throw RunFileError(
                    location: path, message: "may be changed by others; run: chmod go-w '\(path)'")
            }
        }
        return try OwnerPolicy(yaml: text, name: name)
    }

    /// - Parameters:
    ///   - yaml: The policy file's text.
    ///   - name: What to call it in problems.
    public init(yaml: String, name: String = "policy.yaml") throws(RunFileError) {
        var reader = PolicyReader(name: name)
        self = try reader.policy(
            try YAMLDocument.parse(
                yaml, name: name, whenEmpty: "is empty: it allows everything; state a rule, or leave --policy out"))
    }
}
