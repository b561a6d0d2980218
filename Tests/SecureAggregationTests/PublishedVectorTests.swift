import Crypto
import SecureAggregation
import Testing

@Suite("Published test vectors")
struct PublishedVectorTests {
    @Test("X25519: RFC 7748, section 6.1")
    func agreement() {
        let own = AgreementKey(secret: bytes("77076d0a7318a57d3c16c17251b26645 df4c2f87ebc0992ab177fba51db92c2a"))
        let other = AgreementKey(secret: bytes("5dab087e624a8a4b79e17f8b83800ee6 6f3bb1292618b6fd1c2f8b27ff88e0eb"))
        let agreed = bytes("4a5d9d5ba4ce2de1728e3bf480350f25 e07e21c947d19e3376f09b3c1e161742")
        #expect(own.publicKey == bytes("8520f0098930a754748b7ddcb43ef75a 0dbf3a0d26381af4eba4a98eaa9b4e6a"))
        #expect(other.publicKey == bytes("de9edb7d7b7dc1b4d35b61c2ece43537 3f8343c85b78674dadfc7e146f882b4f"))
        #expect(own.agreement(with: other.publicKey) == agreed)
        #expect(other.agreement(with: own.publicKey) == agreed)
    }

    @Test("X25519: a key that agrees on zero with everybody is refused")
    func lowOrder() {
        let own = AgreementKey(secret: [UInt8](repeating: 5, count: 32))
        #expect(own.agreement(with: [UInt8](repeating: 0, count: 32)) == nil)
        #expect(own.agreement(with: [1] + [UInt8](repeating: 0, count: 31)) == nil)
    }

    @Test("HKDF with SHA-256: RFC 5869, appendix A.1 and A.3")
    func derivation() {
        let key = SymmetricKey(data: [UInt8](repeating: 0x0b, count: 22))
        #expect(
            Derivation.bytes(
                from: key, for: bytes("f0f1f2f3f4f5f6f7f8f9"), salt: bytes("000102030405060708090a0b0c"), count: 42)
                == bytes(
                    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf 34007208d5b887185865"))
        #expect(
            Derivation.bytes(from: key, for: [], count: 42)
                == bytes(
                    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d 9d201395faa4b61a96c8"))
    }

    @Test("ChaCha20: RFC 8439, section 2.3.2 and appendix A.1, block 1")
    func stream() {
        let key = SymmetricKey(data: (0..<32).map { UInt8($0) })
        let block = bytes(
            """
            10 f1 e7 e4 d1 3b 59 15 50 0f dd 1f a3 20 71 c4 c7 d1 f4 c7 33 c0 68 03 04 22 aa 9a c3 d4 6c 4e
            d2 82 64 46 07 9f aa 09 14 c2 d7 05 d9 8b 02 a2 b5 12 9c d1 de 16 4e b9 cb d0 83 e8 a2 50 3c 4e
            """)
        #expect(Array(MaskStream.stream(key, nonce: bytes("000000090000004a00000000"), byteCount: 64)) == block)
        let zero = [UInt8](repeating: 0, count: 32)
        let words: [UInt32] = [0xbee7_079f, 0x7a38_5155, 0x7c97_ba98, 0x0d08_2d73]
        var sum: [UInt32] = [1, 2, 3, 4]
        MaskStream.apply(zero, .add, to: &sum)
        #expect(sum == zip(words, [1, 2, 3, 4]).map { $0 &+ $1 })
    }

    @Test("Merkle tree: the reference implementation of RFC 6962")
    func tree() throws {
        let entries = [
            "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
        ].map { bytes($0) }
        #expect(
            RosterTree(entries: Array(entries[..<1])).root
                == bytes("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"))
        #expect(
            RosterTree(entries: entries).root
                == bytes("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"))
    }
}
