import Federation
import Foundation
import ModelFiles
import Testing
import Transport
import Wire

@Suite("Join files")
struct JoinFileTests {
    static func sample(endpoint: String = "tcp://coordinator.example.org:5670") throws -> JoinFile {
        JoinFile(
            endpoint: endpoint, coordinatorKey: try CurveKeyPair.generate().publicKey,
            worker: try #require(WorkerName("clinic north-2")), invitationID: "inv-0001",
            invitation: try CurveKeyPair.generate(), expiresUnixSeconds: 1_769_860_800)
    }

    @Test func aJoinFileComesBackWhole() throws {
        let folder = try TemporaryFolder()
        let join = try Self.sample()
        try join.write(to: folder.file("join.json"))
        #expect(try JoinFile(reading: folder.file("join.json")) == join)
        let text = try String(contentsOfFile: folder.file("join.json"), encoding: .utf8)
        // date -u -d @1769860800
        #expect(text.contains("\"2026-01-31T12:00:00Z\""))
        let mode = try FileManager.default.attributesOfItem(atPath: folder.file("join.json"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func itExpiresAtItsTime() throws {
        let join = try Self.sample()
        #expect(!join.isExpired(atUnixSeconds: 1_769_860_799))
        #expect(join.isExpired(atUnixSeconds: 1_769_860_800))
    }

    @Test func aFileThatOthersMayReadIsRefused() throws {
        let folder = try TemporaryFolder()
        try Self.sample().write(to: folder.file("join.json"))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file("join.json"))
        #expect(throws: SecretFileError.readableByOthers(path: folder.file("join.json"), mode: 0o644)) {
            try JoinFile(reading: folder.file("join.json"))
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let from: String
        let to: String
        let says: String
    }

    @Test(arguments: [
        Change(
            testDescription: "another version", from: "\"shoalJoin\": 1", to: "\"shoalJoin\": 2", says: "another Shoal"),
        Change(testDescription: "no version", from: "\"shoalJoin\": 1", to: "\"x\": 1", says: "not a join file"),
        Change(testDescription: "not JSON", from: "{\n", to: "{{\n", says: "not valid JSON"),
        Change(
            testDescription: "a repeated key", from: "\"shoalJoin\": 1", to: "\"shoalJoin\": 1, \"shoalJoin\": 1",
            says: "twice"),
        Change(testDescription: "another transport", from: "tcp://", to: "ipc://", says: "endpoint is wrong"),
        Change(testDescription: "no port", from: ":5670", to: "", says: "port"),
        Change(testDescription: "port 0", from: ":5670", to: ":0", says: "port"),
        Change(testDescription: "a wildcard", from: "coordinator.example.org", to: "*", says: "host"),
        Change(testDescription: "a source address", from: "tcp://", to: "tcp://127.0.0.1:1;", says: "host"),
        Change(testDescription: "terminal control", from: "coordinator.", to: "\\u001b[2J.", says: "host"),
        Change(
            testDescription: "a bad worker", from: "clinic north-2", to: "../../etc",
            says: "worker is not a worker name"),
        Change(testDescription: "a bad id", from: "inv-0001", to: "inv 0001", says: "invitation.id"),
        Change(testDescription: "a bad date", from: "2026-01-31T12:00:00Z", to: "soon", says: "expires is not a date"),
        Change(
            testDescription: "a number as key", from: "\"coordinatorKey\": \"", to: "\"coordinatorKey\": 5, \"y\": \"",
            says: "a number instead of a string"),
        Change(
            testDescription: "a missing invitation", from: "\"invitation\"", to: "\"invitations\"",
            says: "invitation is missing"),
        Change(
            testDescription: "a key cut short", from: "\"publicKey\": \"", to: "\"publicKey\": \"x",
            says: "CURVE key pair"),
    ])
    func badContentIsRefusedWithItsReason(_ change: Change) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("join.json")
        try Self.sample().write(to: path)
        let good = try String(contentsOfFile: path, encoding: .utf8)
        let bad = good.replacingOccurrences(of: change.from, with: change.to)
        #expect(bad != good)
        try Data(bad.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        do {
            _ = try JoinFile(reading: path)
            Issue.record("it was accepted")
        } catch {
            let text = error.description
            #expect(text.hasPrefix(path + ": "))
            #expect(text.contains(change.says), "\(text)")
            #expect(!text.contains("\u{1B}"))
        }
    }

    @Test(arguments: ["tcp://127.0.0.1:5670", "tcp://[::1]:5670", "tcp://a-b.example.org:1"])
    func endpointsOfEveryKindAreTaken(_ endpoint: String) throws {
        let folder = try TemporaryFolder()
        let join = try Self.sample(endpoint: endpoint)
        try join.write(to: folder.file("join.json"))
        #expect(try JoinFile(reading: folder.file("join.json")).endpoint == endpoint)
    }
}
