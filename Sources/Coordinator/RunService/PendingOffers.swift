package import Federation
package import Wire

/// An offer that its worker has not answered yet.
package struct PendingOffer {
    package let offer: Offer
    package let round: Int
    package let attempt: Int
    /// When it is to be sent again; `nil` while it waits to be sent at all.
    package fileprivate(set) var due: Instant?
    package fileprivate(set) var isRepeated = false

    package init(offer: Offer, round: Int, attempt: Int) {
        self.offer = offer
        self.round = round
        self.attempt = attempt
    }
}

/// The offers that wait for an answer, each sent again until it comes.
///
/// Only so many are on their way at a time: were thousands of workers to fetch their adapters at once, one that joins
/// would wait behind them all. An offer that had to be repeated holds no place any more, so that workers that are gone
/// keep nobody waiting.
package struct PendingOffers {
    package static let onTheirWayMax = 256

    private var offers: [WorkerName: PendingOffer] = [:]
    /// In the order they came; some may be settled by now.
    private var unsent: ArraySlice<WorkerName> = []
    private var onTheirWay = 0
    /// No sent offer is to be repeated before.
    private var nextRepeat = Instant(nanoseconds: .max)

    package init() {}

    /// Setting an offer queues it; `nil` settles it.
    package subscript(worker: WorkerName) -> PendingOffer? {
        get { offers[worker] }
        set {
            if let earlier = offers[worker], earlier.due != nil, !earlier.isRepeated { onTheirWay -= 1 }
            offers[worker] = newValue
            if newValue != nil { unsent.append(worker) }
        }
    }

    /// When ``takeDue(at:repeatingAfter:)`` has something to give.
    package var nextDue: Instant {
        unsent.isEmpty || onTheirWay >= Self.onTheirWayMax ? nextRepeat : Instant(nanoseconds: .min)
    }

    /// The offers to send now: first those that were not answered in time, by name, then new ones in their order.
    package mutating func takeDue(
        at now: Instant, repeatingAfter seconds: Double
    ) -> [(worker: WorkerName, offer: PendingOffer)] {
        var due: [(worker: WorkerName, offer: PendingOffer)] = []
        let next = now.advanced(bySeconds: seconds)
        if nextRepeat <= now {
            nextRepeat = Instant(nanoseconds: .max)
            for (worker, var offer) in offers.sorted(by: { $0.key < $1.key }) {
                guard let repeatAt = offer.due else { continue }
                guard repeatAt <= now else {
                    nextRepeat = min(nextRepeat, repeatAt)
                    continue
                }
                if !offer.isRepeated { onTheirWay -= 1 }
                offer.isRepeated = true
                offer.due = next
                offers[worker] = offer
                due.append((worker, offer))
            }
        }
        while onTheirWay < Self.onTheirWayMax, let worker = unsent.popFirst() {
            guard let offer = offers[worker], offer.due == nil else { continue }
            offers[worker]?.due = next
            onTheirWay += 1
            due.append((worker, offer))
        }
        if !due.isEmpty { nextRepeat = min(nextRepeat, next) }
        return due
    }
}
