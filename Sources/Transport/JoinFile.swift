public import Federation
import FoundationEssentials
public import ModelFiles
public import Wire

/// What a worker's owner gets from the coordinator's: where to connect, whom to trust, and a key that works once.
///
/// ```json
/// {
///   "coordinatorKey": "40 characters of Z85",
///   "endpoint": "tcp://HOST:PORT",
///   "expires": "2026-01-31T12:00:00Z",
///   "invitation": {"id": "…", "publicKey": "Z85", "secretKey": "Z85"},
///   "shoalJoin": 1,
///   "worker": "NAME"
/// }
/// ```
public struct JoinFile: Hashable, Sendable {
    public var endpoint: String
    /// CURVE public key of the coordinator.
    public var coordinatorKey: PublicKey
    /// The key that is to follow it, `nextCoordinatorKey`, where the file was made while the key was being replaced.
    public var nextCoordinatorKey: PublicKey?
    public var worker: WorkerName
    /// 1 to 64 bytes of letters, digits, `-` and `_`.
    public var invitationID: String
    public var invitation: CurveKeyPair
    /// When the coordinator stops admitting the invitation. Unit: seconds since 1970, UTC.
    public var expiresUnixSeconds: Int64

    public init(
        endpoint: String, coordinatorKey: PublicKey, worker: WorkerName, invitationID: String,
        invitation: CurveKeyPair, expiresUnixSeconds: Int64
    ) {
        self.endpoint = endpoint
        self.coordinatorKey = coordinatorKey
        self.worker = worker
        self.invitationID = invitationID
        self.invitation = invitation
        self.expiresUnixSeconds = expiresUnixSeconds
    }

    public func isExpired(atUnixSeconds now: Int64) -> Bool { now >= expiresUnixSeconds }

    /// Writes the file whole with mode 0600.
    public func write(to path: String) throws(FileError) {
        var members: [String: JSONValue] = [
            "shoalJoin": .integer(1), "endpoint": .string(endpoint), "coordinatorKey": .string(coordinatorKey.z85),
            "worker": .string(worker.text),
            "invitation": .object([
                "id": .string(invitationID), "publicKey": .string(invitation.publicKey.z85),
                "secretKey": .string(invitation.secretKeyZ85),
            ]),
            "expires": .string(
                Date(timeIntervalSince1970: Double(expiresUnixSeconds)).formatted(Date.ISO8601FormatStyle())),
        ]
        if let nextCoordinatorKey { members["nextCoordinatorKey"] = .string(nextCoordinatorKey.z85) }
        try SecretFile.write(JSONText.encode(.object(members), layout: .indented) + [UInt8(ascii: "\n")], to: path)
    }

    /// Reads a file that came from someone else: every field is checked. Whether it expired is the caller's question.
    public init(reading path: String) throws(SecretFileError) {
        let bytes = try SecretFile.read(path)
        do {
            try self.init(parsing: bytes)
        } catch {
            throw .invalid(path: path, reason: error.description)
        }
    }

    init(parsing bytes: [UInt8]) throws(JoinFileError) {
        let document: JSONValue
        do {
            document = try JSONValue(parsing: bytes)
        } catch {
            throw .notJSON(error.description)
        }
        guard case .object(let members) = document, let version = members["shoalJoin"] else { throw .notAJoinFile }
        guard version == .integer(1) else { throw .otherVersion }
        endpoint = try Self.text("endpoint", of: members)
        if let problem = TCPEndpoint.problem(connectingTo: endpoint) { throw .endpoint(problem) }
        guard let coordinatorKey = PublicKey(z85: try Self.text("coordinatorKey", of: members)) else {
            throw .field("coordinatorKey", "is not 40 characters of Z85")
        }
        self.coordinatorKey = coordinatorKey
        if members["nextCoordinatorKey"] != nil {
            guard let next = PublicKey(z85: try Self.text("nextCoordinatorKey", of: members)) else {
                throw .field("nextCoordinatorKey", "is not 40 characters of Z85")
            }
            nextCoordinatorKey = next
        }
        guard let worker = WorkerName(try Self.text("worker", of: members)) else {
            throw .field("worker", "is not a worker name (1 to 64 letters, digits, '.', '_', '-', inner spaces)")
        }
        self.worker = worker
        guard case .object(let invitation) = members["invitation"] else { throw .field("invitation", "is missing") }
        invitationID = try Self.text("id", of: invitation)
        guard (1...64).contains(invitationID.utf8.count), invitationID.utf8.allSatisfy({ Self.isPlain($0) }) else {
            throw .field("invitation.id", "is not 1 to 64 letters, digits, '-' and '_'")
        }
        guard
            let keys = CurveKeyPair(
                publicKeyZ85: try Self.text("publicKey", of: invitation),
                secretKeyZ85: try Self.text("secretKey", of: invitation))
        else { throw .field("invitation", "does not hold a CURVE key pair") }
        self.invitation = keys
        guard let date = try? Date(try Self.text("expires", of: members), strategy: Date.ISO8601FormatStyle()),
            abs(date.timeIntervalSince1970) < 1e12
        else { throw .field("expires", "is not a date such as 2026-01-31T12:00:00Z") }
        expiresUnixSeconds = Int64(date.timeIntervalSince1970)
    }

    private static func text(_ key: String, of members: [String: JSONValue]) throws(JoinFileError) -> String {
        guard let value = members[key] else { throw .field(key, "is missing") }
        guard case .string(let text) = value else { throw .field(key, "is \(value.kind) instead of a string") }
        return text
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// What is wrong with a join file's content.
enum JoinFileError: Error, CustomStringConvertible {
    case notJSON(String)
    case notAJoinFile
    case otherVersion
    case endpoint(String)
    case field(String, String)

    var description: String {
        let remedy = "; ask the coordinator's owner for a new one (shoal keys invite)"
        return switch self {
        case .notJSON(let reason): "not a join file: \(reason)" + remedy
        case .notAJoinFile: "not a join file: \"shoalJoin\" is missing" + remedy
        case .otherVersion: "a join file of another Shoal release; install the same release as the coordinator's"
        case .endpoint(let problem): "the join file's endpoint is wrong: \(problem)" + remedy
        case .field(let name, let problem): "the join file's \(name) \(problem)" + remedy
        }
    }
}
