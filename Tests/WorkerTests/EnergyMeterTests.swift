import Testing
import Wire
import Worker

@Suite("What a task costs a machine")
struct EnergyMeterTests {
    private func reading(
        _ time: Double, own: Double, all: Double? = nil, counters: [UInt64] = []
    ) -> EnergyMeter.Reading {
        EnergyMeter.Reading(
            time: time, ownBusy: own, allBusy: all,
            counters: counters.enumerated().map {
                EnergyCounter.Value(name: "intel-rapl:\($0)", microjoules: $1, range: 1_000_000_000)
            })
    }

    private func cost(from before: EnergyMeter.Reading, to now: EnergyMeter.Reading, watts: Double = 6) -> TaskCost {
        EnergyMeter(wattsPerCore: watts, read: { now }).cost(since: before)
    }

    @Test func withoutCountersItIsAnEstimateFromProcessorTime() {
        let cost = cost(from: reading(10, own: 1), to: reading(14, own: 7), watts: 5)
        #expect(cost == TaskCost(seconds: 4, joules: 30, isMeasured: false))
    }

    @Test func aProcessGetsItsPartOfWhatThePackagesUsed() {
        // 12 J + 8 J, of which 3 of 4 busy seconds were this process's.
        let cost = cost(
            from: reading(0, own: 1, all: 100, counters: [5_000_000, 1_000_000]),
            to: reading(2, own: 4, all: 104, counters: [17_000_000, 9_000_000]))
        #expect(cost == TaskCost(seconds: 2, joules: 15, isMeasured: true))
    }

    @Test func aCounterThatBeganAgainIsCarriedOver() {
        // 999 → 1,000 J and on to 4: 5 J.
        let values = (
            reading(0, own: 0, all: 0, counters: [999_000_000]), reading(1, own: 2, all: 2, counters: [4_000_000])
        )
        #expect(cost(from: values.0, to: values.1) == TaskCost(seconds: 1, joules: 5, isMeasured: true))
    }

    @Test func whatCannotBeTrustedIsEstimated() {
        // A counter came or went.
        let one = reading(0, own: 0, all: 0, counters: [1])
        let two = reading(1, own: 1, all: 1, counters: [1, 2])
        #expect(cost(from: one, to: two) == TaskCost(seconds: 1, joules: 6))
        // Nothing was busy, as far as the machine tells.
        let idle = reading(1, own: 1, all: 0, counters: [2])
        #expect(cost(from: one, to: idle) == TaskCost(seconds: 1, joules: 6))
    }

    @Test func thisMachineTellsTimesThatGrow() {
        let before = HostEnergy.read()
        var sum = 0.0
        for number in 1...20_000_000 { sum += 1 / Double(number) }
        let after = HostEnergy.read()
        #expect(sum > 17 && after.time >= before.time && after.ownBusy > before.ownBusy)
        #expect(after.counters.map(\.name) == before.counters.map(\.name))
    }
}
