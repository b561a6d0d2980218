import ModelFiles
import Wire

extension PublicKey {
    /// 64 lowercase digits.
    var hexadecimal: String {
        // Both are 32 bytes and written the same way.
        ContentHash(bytes: bytes)?.description ?? ""
    }

    init?(hexadecimal text: String) {
        guard let bytes = ContentHash(text)?.bytes else { return nil }
        self.init(bytes: bytes)
    }
}
