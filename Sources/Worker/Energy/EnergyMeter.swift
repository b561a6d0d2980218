package import Wire

/// Says what a stretch of work cost this machine.
///
/// Where the processor counts its energy (RAPL, `/sys/class/powercap`) and lets us read it, the machine's energy is
/// divided by processor time: this process and its children get their part of all that was busy. Elsewhere it is an
/// estimate: processor time times a power a core (`--watts-per-core`), and says so. Neither knows of a graphics card; an
/// external trainer can tell what its own took.
package struct EnergyMeter: Sendable {
    /// Power of one busy core with its part of the rest of the machine, where nothing can be read: a 64-core server
    /// processor of 280 W takes 4.4 W a core, an 8-core desktop one of 65 W 8 W. Unit: watts.
    package static let wattsPerCore = 6.0

    /// What was read at one moment.
    package struct Reading: Sendable {
        /// Of a clock that never goes back. Unit: seconds.
        package var time: Double
        /// Processor time of this process and of its children that ended. Unit: seconds.
        package var ownBusy: Double
        /// Processor time of everything on the machine; `nil`: unknown. Unit: seconds.
        package var allBusy: Double?
        /// Of each counter that can be read.
        package var counters: [EnergyCounter.Value]

        package init(time: Double, ownBusy: Double, allBusy: Double?, counters: [EnergyCounter.Value]) {
            self.time = time
            self.ownBusy = ownBusy
            self.allBusy = allBusy
            self.counters = counters
        }
    }

    package let wattsPerCore: Double
    package let read: @Sendable () -> Reading

    package init(wattsPerCore: Double = Self.wattsPerCore, read: @escaping @Sendable () -> Reading = HostEnergy.read) {
        self.wattsPerCore = wattsPerCore
        self.read = read
    }

    /// What happened since `before`.
    package func cost(since before: Reading) -> TaskCost {
        let now = read()
        let seconds = max(0, now.time - before.time)
        let own = max(0, now.ownBusy - before.ownBusy)
        guard let joules = EnergyCounter.joules(from: before.counters, to: now.counters),
            let allBefore = before.allBusy, let allNow = now.allBusy, allNow > allBefore
        else { return TaskCost(seconds: seconds, joules: own * wattsPerCore) }
        return TaskCost(seconds: seconds, joules: joules * min(1, own / (allNow - allBefore)), isMeasured: true)
    }
}

/// Energy counters of the processor's packages.
package enum EnergyCounter {
    package struct Value: Hashable, Sendable {
        /// Which counter.
        package var name: String
        /// Unit: microjoules.
        package var microjoules: UInt64
        /// Where it begins again at 0. Unit: microjoules.
        package var range: UInt64

        package init(name: String, microjoules: UInt64, range: UInt64) {
            self.name = name
            self.microjoules = microjoules
            self.range = range
        }
    }

    /// The sum over all counters; `nil` where there are none, or others than before. A counter that began again did so
    /// once: at 200 W that takes longer than any task between two readings of 20 minutes.
    package static func joules(from before: [Value], to now: [Value]) -> Double? {
        guard !now.isEmpty, before.map(\.name) == now.map(\.name) else { return nil }
        return zip(before, now).reduce(0) { sum, pair in
            let (old, new) = (pair.0.microjoules, pair.1.microjoules)
            let used = new >= old ? new - old : new + (pair.1.range >= old ? pair.1.range - old : 0)
            return sum + Double(used) * 1e-6
        }
    }
}
