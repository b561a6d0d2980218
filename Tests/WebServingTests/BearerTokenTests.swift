import FixtureFiles
import ModelFiles
import Testing

import WebServing

@Suite("Bearer tokens of HTTP services")
struct BearerTokenTests {
    private let secret = "0123456789abcdef-._~+/="

    @Test func isCarriedByItsHeaderAlone() throws {
        let token = try #require(BearerToken(secret))
        #expect(token.isCarried(by: "Bearer \(secret)"))
        #expect(token.isCarried(by: "bearer \(secret)"))
        for header in [nil, "", "Bearer ", "Bearer", secret, "Basic \(secret)", "Bearer \(secret)x"] {
            #expect(!token.isCarried(by: header))
        }
        #expect(!token.isCarried(by: "Bearer \(secret.dropLast())"))
        #expect(!token.isCarried(by: "Bearer \(secret.dropLast())-"))
    }

    @Test(arguments: ["", "fifteen-letters", "sixteen letters!", String(repeating: "a", count: 513), "ünïcödé-ünïcödé"])
    func refusesWhatIsNone(text: String) {
        #expect(BearerToken(text) == nil)
    }

    @Test func aFileOfItsOwnerAloneIsRead() throws {
        let folder = ScratchFolder()
        let path = folder.file("token")
        try AtomicFile.write(Array((secret + "\n").utf8), to: path, permissions: 0o600)
        #expect(try BearerToken(file: path).isCarried(by: "Bearer \(secret)"))
        try AtomicFile.write(Array("short\n".utf8), to: path, permissions: 0o600)
        #expect(throws: WebServingError.badToken(path: path)) { try BearerToken(file: path) }
        // One that another service gave is as long as that made it.
        #expect(try BearerToken(foreignFile: path).headerValue == "Bearer short")
        for text in ["", "two words", String(repeating: "a", count: 513)] {
            try AtomicFile.write(Array(text.utf8), to: path, permissions: 0o600)
            #expect(throws: WebServingError.badForeignToken(path: path)) { try BearerToken(foreignFile: path) }
        }
        try AtomicFile.write(Array(secret.utf8), to: path, permissions: 0o644)
        #expect(throws: WebServingError.self) { try BearerToken(file: path) }
    }
}
