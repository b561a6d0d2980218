import Federation
import ModelFiles
import Testing

@Suite("The chain of round records")
struct RecordChainTests {
    private let run = RunID(bits: 42)
    private let contents = [ContentHash(of: Array("a".utf8)), ContentHash(of: Array("b".utf8))]

    /// Worked out with Python's hashlib from the definition.
    @Test func hashesAreThoseOfTheDefinition() throws {
        let origin = RecordChain.origin(of: run)
        #expect(origin.description == "c2c3ecc941950f127dabdd8dfe560163c12888bb13820e582669cb6ef4bd264c")
        let first = RecordChain.hash(after: origin, content: contents[0])
        #expect(first.description == "ce669f65ba012e59009fd8ac67110005e600b355d48132885959cbc01268e7ef")
        let second = RecordChain.head(from: origin, through: contents)
        #expect(second.description == "cb1df68760b10775cd51f6cb520c2d5455bc9293caad713dbe7ac3ba3ec493c5")
        #expect(RecordChain.head(from: first, through: [contents[1]]) == second)
        #expect(RecordChain.head(from: first, through: []) == first)
    }

    @Test func whatIsSignedNamesRunPlaceAndSigner() throws {
        let head = ContentHash(of: [1])
        let statement = RecordChain.statement(run: run, number: 3, round: 2, head: head)
        #expect(String(decoding: statement, as: UTF8.self) == "shoal record head 1\n\(run)\n3\n2\n\(head)\n")
        let name = try #require(WorkerName("clinic"))
        let seen = RecordChain.countersignature(of: name, run: run, number: 3, head: head)
        #expect(String(decoding: seen, as: UTF8.self) == "shoal record seen 1\n\(run)\n3\n\(head)\nclinic\n")
    }
}
