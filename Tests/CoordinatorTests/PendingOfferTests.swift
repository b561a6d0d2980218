import Coordinator
import Federation
import ModelFiles
import Recipe
import Testing
import Wire

@Suite("Pending offers")
struct PendingOfferTests {
    private let start = Instant(nanoseconds: 0)

    private func names(_ count: Int) throws -> [WorkerName] {
        try (0..<count).map { try #require(WorkerName("worker-\($0)")) }
    }

    private func offer(lease: UInt64) -> PendingOffer {
        let hash = ContentHash(of: [])
        return PendingOffer(
            offer: Offer(
                lease: lease, task: .train, leaseMilliseconds: 1_000, deadlineMilliseconds: nil, baseModel: hash,
                adapter: hash, adapterOptions: AdapterOptions(rank: 4), training: TrainingOptions(localSteps: 1),
                uplink: CodecName(name: "dense"), seed: 0, errorFeedback: false),
            round: 1, attempt: 1)
    }

    private func queued(_ workers: [WorkerName]) -> PendingOffers {
        var offers = PendingOffers()
        for (lease, worker) in workers.enumerated() { offers[worker] = offer(lease: UInt64(lease)) }
        return offers
    }

    @Test("as many as may be on their way go at once, in their order, and each answer makes room for one more")
    func window() throws {
        let workers = try names(PendingOffers.onTheirWayMax + 3)
        var offers = queued(workers)
        #expect(offers.nextDue <= start)
        let first = offers.takeDue(at: start, repeatingAfter: 2)
        #expect(first.map(\.worker) == Array(workers.prefix(PendingOffers.onTheirWayMax)))
        #expect(offers.nextDue == start.advanced(bySeconds: 2))
        #expect(offers.takeDue(at: start, repeatingAfter: 2).isEmpty)
        offers[workers[5]] = nil
        offers[workers[5]] = nil
        #expect(offers.takeDue(at: start, repeatingAfter: 2).map(\.worker) == [workers[PendingOffers.onTheirWayMax]])
    }

    @Test("an offer that had to be repeated holds no place, so that workers that are gone keep nobody waiting")
    func silentWorkers() throws {
        let workers = try names(2 * PendingOffers.onTheirWayMax)
        var offers = queued(workers)
        _ = offers.takeDue(at: start, repeatingAfter: 2)
        let later = start.advanced(bySeconds: 2)
        let second = offers.takeDue(at: later, repeatingAfter: 2)
        let repeated = second.filter(\.offer.isRepeated).map(\.worker)
        #expect(repeated == workers.prefix(PendingOffers.onTheirWayMax).sorted())
        #expect(
            second.filter { !$0.offer.isRepeated }.map(\.worker) == Array(workers.suffix(PendingOffers.onTheirWayMax)))
        for worker in workers { offers[worker] = nil }
        #expect(offers.takeDue(at: later.advanced(bySeconds: 9), repeatingAfter: 2).isEmpty)
        // All places are free again.
        for worker in workers { offers[worker] = offer(lease: 1) }
        #expect(offers.takeDue(at: later, repeatingAfter: 2).count == PendingOffers.onTheirWayMax)
    }

    @Test("an offer that was settled before it left is not sent, and one that replaces it is sent once")
    func settledBeforeSent() throws {
        let workers = try names(2)
        var offers = queued(workers)
        offers[workers[0]] = nil
        offers[workers[1]] = offer(lease: 77)
        let sent = offers.takeDue(at: start, repeatingAfter: 2)
        #expect(sent.map(\.worker) == [workers[1]])
        #expect(sent.map(\.offer.offer.lease) == [77])
        #expect(offers[workers[1]] != nil)
    }
}
