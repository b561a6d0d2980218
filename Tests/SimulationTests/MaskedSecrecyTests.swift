import Coordinator
import Federation
import Foundation
import ModelFiles
import Randomness
import SecureAggregation
import Simulation
import Testing
import Wire
import Worker

/// Looks at all that a coordinator has on its disk at the moment when it has most: every message of an attempt stored,
/// all but one worker's shares revealed, nothing removed yet.
@Suite("What a coordinator stores of a masked sum")
struct MaskedSecrecyTests {
    private static let bits = 16

    /// A coordinator's disk, and what the workers know that it must not.
    private struct Scene {
        let fleet: MaskedFleet
        let session: MaskingSession
        /// By position, which is the order of names.
        var words: [[UInt32]] = []
        var updates: [[Float]] = []
        var secrets: [[UInt8]] = []
        var masked: [[UInt32]] = []
        /// The sum of all of a worker's masks.
        var masks: [[UInt32]] = []
    }

    private static func scene() throws -> Scene {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(try fleet.run(untilClosed: 4))
        fleet.conversation.kill("h")
        // Its lease keeps the last step open.
        #expect(
            fleet.conversation.link.run(limitSeconds: 15) { (try? fleet.messages(of: .reveals).count) == 7 })
        fleet.conversation.killCoordinator()

        let context = MaskingContext(run: RunID(bits: 42), round: 1, attempt: 1)
        let keys = try #require(fleet.file("neighbours", of: "a")).dropFirst(16)
        let introduced = try IntroducedNeighbours(Array(keys)).keys
        var scene = Scene(
            fleet: fleet,
            session: MaskingSession(
                context: context, cohort: introduced.cohort,
                degree: MaskingDegree(neighbours: introduced.degree, threshold: introduced.threshold),
                root: introduced.root))
        let terms = MaskedFleet.options.terms(parameterCount: fleet.conversation.layout.parameterCount)
        #expect(try terms.quantisation.bits(cohort: 8) == bits)
        let identities = try Dictionary(
            uniqueKeysWithValues: fleet.names.map {
                (Conversation.name($0), try fleet.conversation.identity($0).publicKey.bytes)
            })
        for name in fleet.names {
            let runner = try #require(fleet.runners[name])
            let start = fleet.conversation.firstAdapter
            let update = start.indices.map { start[$0] + Float(runner.shift($0)) - start[$0] }
            var rounding = StreamKey(
                seed: fleet.conversation.settings.seed, round: 1, attempt: 1, worker: name, purpose: .codec
            ).generator()
            let words = try terms.quantisation.words(
                update, weight: min(Int(runner.items), terms.quantisation.weightLimit), rounding: &rounding)
            scene.updates.append(update)
            scene.words.append(words)
            let secret = Array(try #require(fleet.file("attempt", of: name)).dropFirst(16))
            scene.secrets.append(secret)
            let vector = Array(try #require(fleet.file("vector", of: name)).dropFirst(16))
            scene.masked.append(unpacked(vector, count: words.count))
            let identity = try fleet.conversation.identity(name)
            var worker = try MaskingWorker(
                Conversation.name(name), in: context, under: terms, secret: secret, signing: identity.signature(of:),
                identity: { identities[$0] })
            _ = try worker.share(
                IntroducedNeighbours(Array(try #require(fleet.file("neighbours", of: name)).dropFirst(16))).keys)
            let zeros = try worker.mask(
                [UInt32](repeating: 0, count: words.count),
                with: RoutedShares(Array(try #require(fleet.file("shares", of: name)).dropFirst(16))))
            scene.masks.append(unpacked(zeros, count: words.count))
        }
        return scene
    }

    private static func unpacked(_ bytes: [UInt8], count: Int) -> [UInt32] {
        var words = [UInt32](repeating: 0, count: count)
        PackedWords.add(bytes, bits: bits, to: &words)
        return words
    }

    private static func difference(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        zip(left, right).map { ($0 &- $1) & (1 << UInt32(bits) - 1) }
    }

    private static func inModulus(_ words: [UInt32]) -> [UInt32] { words.map { $0 & (1 << UInt32(bits) - 1) } }

    @Test("rows and files hold no update, no secret and no share but those that were revealed")
    func storedBytes() throws {
        let scene = try Self.scene()
        let haystacks = try scene.fleet.everyValue + scene.fleet.storedFiles.map(\.bytes)
        #expect(haystacks.count > 100)
        // The masked vectors are there: what follows looks in the right place.
        let objects = try scene.fleet.objects
        #expect(objects.count == 8)
        let vector = try #require(scene.fleet.file("vector", of: "a")).dropFirst(16)
        #expect(haystacks.contains { $0.contains(Array(vector)) })
        for position in scene.words.indices {
            let needles = [
                PackedWords.pack(scene.words[position], bits: Self.bits), scene.secrets[position],
                scene.updates[position].withUnsafeBytes { Array($0) },
                scene.words[position].withUnsafeBytes { Array($0) },
            ].map { Array($0.prefix(12)) }
            for needle in needles { #expect(!haystacks.contains { $0.contains(needle) }) }
        }
    }

    @Test("of nobody are both kinds of share there, and of a survivor's mask key fewer than the threshold: none")
    func sharesOfOneKind() throws {
        let scene = try Self.scene()
        let messages = try scene.fleet.messages(of: .reveals)
        #expect(messages.count == 7 && messages["h"] == nil)
        var count = 0
        for bytes in messages.values {
            for entry in try RevealedShares(bytes).entries {
                // All eight survived, so every share is of a self seed.
                #expect(entry.kind == .selfSeed)
                count += 1
            }
        }
        #expect(count == 7 * scene.session.degree.neighbours)
        #expect(scene.session.degree.threshold >= 2)
        // The sealed shares of both kinds are there too, and open for their receivers alone: no 40 bytes of a share that a
        // worker revealed are in them.
        let sealed = try scene.fleet.messages(of: .shares)
        #expect(sealed.count == 8)
        for bytes in messages.values {
            for entry in try RevealedShares(bytes).entries {
                #expect(!sealed.values.contains { $0.contains(entry.share.bytes) })
            }
        }
    }

    @Test("with all that was revealed taken off, a stored update tells its values no better than chance")
    func uncovering() throws {
        let scene = try Self.scene()
        var shares: [Int: [(point: UInt32, share: SecretShare)]] = [:]
        for (name, bytes) in try scene.fleet.messages(of: .reveals) {
            let holder = try #require(scene.fleet.names.firstIndex(of: name))
            for entry in try RevealedShares(bytes).entries {
                shares[entry.position, default: []].append((MaskingSession.point(of: holder), entry.share))
            }
        }
        let threshold = scene.session.degree.threshold
        var (compared, equal) = (0, 0)
        for position in scene.words.indices {
            let plain = Self.inModulus(scene.words[position])
            // The test knows the update, and where it lies: all masks together uncover it.
            #expect(Self.difference(scene.masked[position], scene.masks[position]) == plain)
            let found = try #require(shares[position])
            #expect(found.count >= threshold)
            let seed = try #require(SecretSharing.combine(Array(found.prefix(threshold))))
            // One share fewer gives another secret, or none.
            #expect(SecretSharing.combine(Array(found.prefix(threshold - 1))) != seed)
            var stripped = scene.masked[position]
            MaskStream.apply(scene.session.selfMaskKey(seed, at: position), .subtract, to: &stripped)
            let left = Self.inModulus(stripped)
            #expect(left != Self.inModulus(scene.masked[position]))
            compared += left.count
            equal += zip(left, plain).count { $0 == $1 }
        }
        // Each agrees with probability 2^-16.
        #expect(compared > 100 && equal <= 1)
        // Together they are the sum.
        var total = [UInt32](repeating: 0, count: scene.words[0].count)
        for words in scene.words { for index in total.indices { total[index] &+= words[index] } }
        var sum = [UInt32](repeating: 0, count: total.count)
        for position in scene.masked.indices {
            let seed = try #require(SecretSharing.combine(Array(shares[position]?.prefix(threshold) ?? [])))
            var stripped = scene.masked[position]
            MaskStream.apply(scene.session.selfMaskKey(seed, at: position), .subtract, to: &stripped)
            for index in sum.indices { sum[index] &+= stripped[index] }
        }
        #expect(Self.inModulus(sum) == Self.inModulus(total))
    }

    @Test("two attempts at a round share no key: their masked updates differ by noise")
    func attempts() throws {
        let fleet = try MaskedFleet(rounds: 1)
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { fleet.file("vector", of: "a") != nil })
        let first = try #require(fleet.file("vector", of: "a"))
        for name in ["e", "f", "g", "h"] { fleet.conversation.kill(name) }
        #expect(fleet.conversation.link.run(limitSeconds: 1_000) { (try? fleet.failures) == 1 })
        for name in ["e", "f", "g", "h"] { try fleet.restart(name) }
        #expect(
            fleet.conversation.link.run(limitSeconds: 1_000) {
                fleet.file("vector", of: "a").map { $0 != first } ?? false
            })
        let second = try #require(fleet.file("vector", of: "a"))
        // Another attempt, and of the same size: the header says so.
        #expect(first[8] == 1 && second[8] == 2 && first.count == second.count)
        let count = fleet.conversation.layout.parameterCount + 1
        let difference = Self.difference(
            Self.unpacked(Array(first.dropFirst(16)), count: count),
            Self.unpacked(Array(second.dropFirst(16)), count: count))
        // The same update twice: but for one step of rounding, a common mask would leave nothing.
        #expect(difference.count { $0 > 1 && $0 < 1 << 16 - 1 } >= count - 1)
    }
}
