import Foundation
import ModelFiles
import Testing
import Transport
import Wire

/// A folder that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/shoal-transport-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }
}

@Suite("Keys and their files")
struct KeyFileTests {
    @Test func z85IsRFC32s() throws {
        // The test case of RFC 32: 86 4F D2 6F B5 59 F7 5B is "HelloWorld"; four times it is a key's length.
        let eight: [UInt8] = [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]
        let key = try #require(PublicKey(bytes: eight + eight + eight + eight))
        #expect(key.z85 == "HelloWorldHelloWorldHelloWorldHelloWorld")
        #expect(PublicKey(z85: key.z85) == key)
    }

    @Test(arguments: [
        "", "HelloWorld", "HelloWorldHelloWorldHelloWorldHelloWor\"d", "~~~~~" + String(repeating: "a", count: 35),
        "#####" + String(repeating: "a", count: 35), String(repeating: "é", count: 20),
        "\0" + String(repeating: "a", count: 39),
    ])
    func textThatIsNoKey(_ text: String) {
        #expect(PublicKey(z85: text) == nil)
    }

    @Test func printingAPairHidesItsSecret() throws {
        let folder = try TemporaryFolder()
        let keys = try CurveKeyPair.generate()
        try KeyFile.write(keys, to: folder.file("key"))
        let text = try String(contentsOfFile: folder.file("key"), encoding: .utf8)
        let secret = try #require(text.split(separator: "\"").first { $0.utf8.count == 40 && $0 != keys.publicKey.z85 })
        var dumped = ""
        dump(keys, to: &dumped)
        for printed in ["\(keys)", String(reflecting: keys), dumped, "\([keys])", "\(Optional(keys) as Any)"] {
            #expect(!printed.contains(secret))
            #expect(!printed.contains("secret"))
            #expect(printed.contains(keys.publicKey.z85))
        }
    }

    @Test func aPairComesBackFromItsFile() throws {
        let folder = try TemporaryFolder()
        let keys = try KeyFile.readOrCreate(folder.file("key"))
        #expect(try KeyFile.read(folder.file("key")) == keys)
        #expect(try KeyFile.readOrCreate(folder.file("key")) == keys)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.file("key"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o660])
    func aFileThatOthersMayReadIsRefused(_ mode: Int) throws {
        let folder = try TemporaryFolder()
        try KeyFile.write(try CurveKeyPair.generate(), to: folder.file("key"))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.file("key"))
        #expect(throws: SecretFileError.readableByOthers(path: folder.file("key"), mode: UInt32(mode))) {
            try KeyFile.read(folder.file("key"))
        }
    }

    @Test func whatIsNoKeyFileIsRefused() throws {
        let folder = try TemporaryFolder()
        let first = try CurveKeyPair.generate()
        try KeyFile.write(first, to: folder.file("key"))
        let good = try String(contentsOfFile: folder.file("key"), encoding: .utf8)
        // Another pair's public half: the two do not belong together.
        let mixed = good.replacingOccurrences(
            of: first.publicKey.z85, with: try CurveKeyPair.generate().publicKey.z85)
        for text in ["", "{}", "[1]", "\u{0}", String(good.dropLast(20)), mixed, String(repeating: "{", count: 70_000)]
        {
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("bad")))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.file("bad"))
            #expect(throws: SecretFileError.self) { try KeyFile.read(folder.file("bad")) }
        }
        #expect(throws: SecretFileError.self) { try KeyFile.read(folder.path) }
        #expect(throws: SecretFileError.self) { try KeyFile.read(folder.file("missing")) }
    }
}
