import Serving
import Testing

@Suite("Turns of texts on one model")
struct TurnOrderTests {
    @Test("go round: among k at work, any k turns in a row hold each one once", arguments: 1...6)
    func roundRobin(_ count: Int) {
        var order = TurnOrder<Int>(activeMax: count, waitingMax: 0)
        for id in 0..<count { #expect(order.add(id)) }
        let turns = (0..<10 * count).compactMap { _ in order.next() }
        for start in 0...(turns.count - count) {
            #expect(Set(turns[start..<start + count]) == Set(0..<count))
        }
    }

    @Test("do not let a long text hold up a short one")
    func shortBesideLong() {
        var order = TurnOrder<String>(activeMax: 4, waitingMax: 4)
        #expect(order.add("long"))
        for _ in 0..<500 { #expect(order.next() == "long") }
        #expect(order.add("short"))
        var (turns, shortSteps) = (0, 0)
        while shortSteps < 5 {
            turns += 1
            if order.next() == "short" { shortSteps += 1 }
        }
        #expect(turns <= 10, "every second turn")
    }

    @Test("begin in the order of arrival, as places become free")
    func admission() {
        var order = TurnOrder<Int>(activeMax: 2, waitingMax: 3)
        #expect((1...6).map { order.add($0) } == [true, true, true, true, true, false])
        #expect(order.activeCount == 2 && order.waitingCount == 3)
        #expect(Set((0..<4).compactMap { _ in order.next() }) == [1, 2])
        order.end(1)
        #expect(Set((0..<4).compactMap { _ in order.next() }) == [2, 3])
        #expect(order.add(6), "one has left")
        order.end(4)
        order.end(2)
        order.end(3)
        #expect(Set((0..<4).compactMap { _ in order.next() }) == [5, 6], "4 left while it waited")
    }

    @Test("pass by what is held, whose place another takes")
    func holding() {
        var order = TurnOrder<Int>(activeMax: 1, waitingMax: 2)
        #expect(order.add(1) && order.add(2))
        order.hold(1)
        #expect((0..<3).map { _ in order.next() } == [2, 2, 2])
        #expect(order.add(3) && !order.add(4), "what is held still counts")
        order.release(1)
        order.end(2)
        #expect(order.next() == 1, "before what has not begun")
        order.hold(1)
        order.end(1)
        order.release(1)
        #expect(order.next() == 3)
        order.end(3)
        #expect(order.next() == nil)
    }
}
