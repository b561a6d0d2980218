import CZeroMQ
public import Wire

/// A CurveZMQ key pair (Curve25519). Printing or dumping one shows the public half only.
public struct CurveKeyPair: Hashable, Sendable {
    public let publicKey: PublicKey
    let secretKey: [UInt8]

    /// Fails unless both are Z85 and belong together.
    public init?(publicKeyZ85: String, secretKeyZ85: String) {
        guard let publicKey = PublicKey(z85: publicKeyZ85), let secretKey = Z85.decode(secretKeyZ85, count: 32)
        else { return nil }
        var derived = [CChar](repeating: 0, count: 41)
        guard zmq_curve_public(&derived, secretKeyZ85) == 0,
            derived.dropLast().map({ UInt8(bitPattern: $0) }) == Array(publicKeyZ85.utf8)
        else { return nil }
        self.publicKey = publicKey
        self.secretKey = secretKey
    }

    /// A new pair from the system's random source.
    public static func generate() throws(TransportError) -> CurveKeyPair {
        var publicText = [CChar](repeating: 0, count: 41)
        var secretText = [CChar](repeating: 0, count: 41)
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .last("zmq_curve_keypair") }
        let text = { (characters: [CChar]) in
            String(decoding: characters.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        guard let pair = CurveKeyPair(publicKeyZ85: text(publicText), secretKeyZ85: text(secretText)) else {
            preconditionFailure("libzmq made a key pair that does not belong together")
        }
        return pair
    }

    /// The secret half as key and join files hold it.
    var secretKeyZ85: String { Z85.encode(secretKey) }
}

extension CurveKeyPair: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "CurveKeyPair(\(publicKey.z85))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey.z85]) }
}
