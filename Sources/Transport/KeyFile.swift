import Glibc
public import ModelFiles

/// A CURVE key pair on disk: JSON with mode 0600.
///
/// ```json
/// {"publicKey": "40 characters of Z85", "secretKey": "40 characters of Z85", "shoalKey": 1}
/// ```
public enum KeyFile {
    /// Writes the file whole, or leaves what was there.
    public static func write(_ keys: CurveKeyPair, to path: String) throws(FileError) {
        let document = JSONValue.object([
            "shoalKey": .integer(1), "publicKey": .string(keys.publicKey.z85), "secretKey": .string(keys.secretKeyZ85),
        ])
        try SecretFile.write(JSONText.encode(document, layout: .indented) + [UInt8(ascii: "\n")], to: path)
    }

    /// Refuses a file that other users may read, and one whose halves do not belong together.
    public static func read(_ path: String) throws(SecretFileError) -> CurveKeyPair {
        let bytes = try SecretFile.read(path)
        guard case .object(let members) = try? JSONValue(parsing: bytes), members["shoalKey"] == .integer(1) else {
            throw .invalid(path: path, reason: "not a Shoal key file of version 1")
        }
        guard case .string(let publicText) = members["publicKey"], case .string(let secretText) = members["secretKey"],
            let keys = CurveKeyPair(publicKeyZ85: publicText, secretKeyZ85: secretText)
        else {
            throw .invalid(
                path: path,
                reason: "publicKey and secretKey are not a CURVE key pair; restore the file from a backup, "
                    + "or delete it to get new keys (others must then be told the new public key)")
        }
        return keys
    }

    /// Reads the file, or makes a pair and writes it if there is none.
    public static func readOrCreate(_ path: String) throws -> CurveKeyPair {
        do {
            return try read(path)
        } catch SecretFileError.file(let error) where error.code == ENOENT {
            let keys = try CurveKeyPair.generate()
            try write(keys, to: path)
            return keys
        }
    }
}
