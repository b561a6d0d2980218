import Serving
import Testing

@Suite("Turns of texts on one model")
struct TurnOrderTests {
    private func order<ID>(_ ids: [ID], activeMax: Int, waitingMax: Int) -> (TurnOrder<ID>, added: [Bool]) {
        var order = TurnOrder<ID>(activeMax: activeMax, waitingMax: waitingMax)
        let added = ids.map { order.add($0) }
        return (order, added)
    }

    private func turns<ID>(_ count: Int, _ order: inout TurnOrder<ID>) -> [ID] {
        (0..<count).compactMap { _ in order.next() }
    }

    @Test("go round: among k at work, any k turns in a row hold each one once", arguments: 1...6)
    func roundRobin(_ count: Int) {
        var (order, added) = order(Array(0..<count), activeMax: count, waitingMax: 0)
        #expect(!added.contains(false))
        let taken = turns(10 * count, &order)
        for start in 0...(taken.count - count) {
            #expect(Set(taken[start..<start + count]) == Set(0..<count))
        }
    }

    @Test("do not let a long text hold up a short one")
    func shortBesideLong() {
        var (order, _) = order(["long"], activeMax: 4, waitingMax: 4)
        let alone = turns(500, &order)
        #expect(Set(alone) == ["long"] && alone.count == 500)
        let isAdded = order.add("short")
        #expect(isAdded)
        #expect(turns(10, &order).count { $0 == "short" } == 5, "every second turn")
    }

    @Test("begin in the order of arrival, as places become free")
    func admission() {
        var (order, added) = order(Array(1...6), activeMax: 2, waitingMax: 3)
        #expect(added == [true, true, true, true, true, false])
        #expect(order.activeCount == 2 && order.waitingCount == 3)
        #expect(Set(turns(4, &order)) == [1, 2])
        order.end(1)
        #expect(Set(turns(4, &order)) == [2, 3])
        let hasRoom = order.add(6)
        #expect(hasRoom, "one has left")
        for id in [4, 2, 3] { order.end(id) }
        #expect(Set(turns(4, &order)) == [5, 6], "4 left while it waited")
    }

    @Test("pass by what is held, whose place another takes")
    func holding() {
        var (order, _) = order([1, 2], activeMax: 1, waitingMax: 2)
        order.hold(1)
        #expect(turns(3, &order) == [2, 2, 2])
        let added = [order.add(3), order.add(4)]
        #expect(added == [true, false], "what is held still counts")
        order.release(1)
        order.end(2)
        #expect(turns(1, &order) == [1], "before what has not begun")
        order.hold(1)
        order.end(1)
        order.release(1)
        #expect(turns(1, &order) == [3])
        order.end(3)
        #expect(turns(1, &order) == [])
    }
}
