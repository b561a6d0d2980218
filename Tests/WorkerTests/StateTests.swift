import Crypto
import Federation
import Foundation
import Testing
import Wire
import Worker

@Suite("A worker's folder")
struct StateTests {
    let folder = NSTemporaryDirectory() + "shoal-state-\(UUID().uuidString)/below"

    private func mode(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func isTheOwnersAloneAndRemembersTheWorker() throws {
        let name = try #require(WorkerName("clinic"))
        do {
            let state = try WorkerState(folder: folder)
            #expect(!state.isEnrolled && state.worker == nil && state.run == nil)
            try state.enrolled(as: name)
        }
        let state = try WorkerState(folder: folder)
        #expect(state.isEnrolled && state.worker == name)
        #expect(try mode(folder) == 0o700)
        #expect(try mode(folder + "/worker.json") == 0o600)
    }

    @Test func servesOneWorkerAtATime() throws {
        let state = try WorkerState(folder: folder)
        #expect(throws: WorkerStateError.inUse(folder: folder)) { try WorkerState(folder: folder) }
        withExtendedLifetime(state) {}
    }

    @Test(arguments: ["", "{", "[]", "{\"version\":9}"])
    func aDamagedRecordIsNamed(text: String) throws {
        _ = try WorkerState(folder: folder)
        let path = folder + "/worker.json"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: WorkerStateError.unreadable(path: path)) { try WorkerState(folder: folder) }
    }

    @Test func theSigningKeyIsMadeOnceAndSigns() throws {
        let identity = try WorkerIdentity(folder: folder)
        let again = try WorkerIdentity(folder: folder)
        #expect(identity.publicKey == again.publicKey)
        #expect(try mode(folder + "/signing.key") == 0o600)
        let key = try Curve25519.Signing.PublicKey(rawRepresentation: Data(identity.publicKey.bytes))
        #expect(key.isValidSignature(Data(try again.signature(of: [1, 2, 3])), for: Data([1, 2, 3])))
    }

    @Test func aSigningKeyThatOthersMayReadIsRefused() throws {
        _ = try WorkerIdentity(folder: folder)
        let path = folder + "/signing.key"
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(throws: WorkerIdentityError.readableByOthers(path: path)) { try WorkerIdentity(folder: folder) }
    }

    @Test func aSigningKeyOfTheWrongLengthIsRefused() throws {
        _ = try WorkerIdentity(folder: folder)
        let path = folder + "/signing.key"
        try Data([1, 2]).write(to: URL(fileURLWithPath: path))
        #expect(throws: WorkerIdentityError.invalid(path: path)) { try WorkerIdentity(folder: folder) }
    }
}
