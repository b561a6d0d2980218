internal import Federation
internal import Glibc
internal import Randomness
package import Worker

/// What the bad workers of a simulation know together.
///
/// In one process the simulator shows them every honest update of the round that is finished before theirs: bad workers
/// take a little longer in virtual time, so that is all of them where honest workers are equally fast. Where none is
/// finished, they use their own honest updates instead.
public final class Conspiracy {
    private struct Place: Hashable {
        let round: Int
        let attempt: Int
    }

    private let plan: AttackPlan
    /// n of a round, for the attack that counts on it.
    private let workersPerRound: Int
    private var honest: [Place: [WorkerName: [Float]]] = [:]
    private var own: [Place: [WorkerName: [Float]]] = [:]
    /// What one sybil made for all of a round.
    private var templates: [Place: [Float]] = [:]
    /// The global adapters that they have been sent, by the rounds behind them.
    private var adapters: [Int: [Float]] = [:]

    public init(_ plan: AttackPlan, workersPerRound: Int) {
        self.plan = plan
        self.workersPerRound = workersPerRound
    }

    /// An honest worker's change of the adapter.
    package func witness(_ delta: [Float], of task: LocalTask) {
        let place = Place(round: task.round, attempt: task.attempt)
        forget(before: place)
        honest[place, default: [:]][task.worker] = delta
    }

    package func witness(adapter values: [Float], of task: LocalTask) {
        adapters[task.round - 1] = values
        for version in adapters.keys.sorted().dropLast(2) { adapters[version] = nil }
    }

    /// Whether the attack trains at all.
    var trains: Bool { if case .freeRider = plan.attack { false } else { true } }

    /// What a bad worker sends in place of its own training's change.
    package func falsify(_ delta: [Float], of task: LocalTask) -> [Float] {
        let place = Place(round: task.round, attempt: task.attempt)
        forget(before: place)
        own[place, default: [:]][task.worker] = delta
        switch plan.attack {
        case .labelFlip: return delta
        case .signFlip(let scale): return delta.map { Float(-scale) * $0 }
        case .backdoor(let backdoor): return delta.map { Float(backdoor.scale) * $0 }
        case .innerProduct(let scale): return moments(place, delta.count).mean.map { Float(-scale * $0) }
        case .littleIsEnough(let z):
            let (mean, deviation, count) = moments(place, delta.count)
            let z = z ?? Self.littleIsEnough(n: workersPerRound, f: max(0, workersPerRound - count))
            return zip(mean, deviation).map { Float($0 + z * $1) }
        case .sybil(let scale, let spread):
            let template = templates[place] ?? delta.map { Float(-scale) * $0 }
            templates[place] = template
            return add(noise: spread * Self.norm(template), to: template, task)
        case .freeRider(let ride):
            let change = lastChange(task)
            switch ride {
            case .zero: return delta
            case .old: return change
            case .noise: return add(noise: Self.norm(change), to: delta, task)
            }
        }
    }

    /// The z of the paper: so many honest workers lie farther from the mean that, with the bad ones, they are a majority.
    package static func littleIsEnough(n: Int, f: Int) -> Double {
        let needed = n / 2 + 1 - f
        guard n > f else { return 0 }
        let share = Double(n - f - needed) / Double(n - f)
        return quantile(min(max(share, 0.001), 0.999))
    }

    /// Φ⁻¹
    private static func quantile(_ probability: Double) -> Double {
        var (low, high) = (-10.0, 10.0)
        for _ in 0..<80 {
            let middle = (low + high) / 2
            if 0.5 * erfc(-middle / 2.0.squareRoot()) < probability { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// Mean and standard deviation, value by value, of the updates they know.
    private func moments(_ place: Place, _ count: Int) -> (mean: [Double], deviation: [Double], updates: Int) {
        let seen = honest[place] ?? [:]
        let known = seen.isEmpty ? own[place] ?? [:] : seen
        let updates = known.sorted { $0.key < $1.key }.map(\.value).filter { $0.count == count }
        var (sum, squares) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        for update in updates {
            for index in 0..<count { sum[index] += Double(update[index]) }
        }
        let mean = sum.map { $0 / Double(max(1, updates.count)) }
        for update in updates {
            for index in 0..<count {
                let difference = Double(update[index]) - mean[index]
                squares[index] += difference * difference
            }
        }
        return (mean, squares.map { ($0 / Double(max(1, updates.count))).squareRoot() }, seen.count)
    }

    /// How the global adapter changed since they saw it last; zero if they never did.
    private func lastChange(_ task: LocalTask) -> [Float] {
        guard let version = adapters.keys.filter({ $0 < task.round - 1 }).max(), let earlier = adapters[version],
            earlier.count == task.values.count
        else { return [Float](repeating: 0, count: task.values.count) }
        return zip(task.values, earlier).map { $0 - $1 }
    }

    private func add(noise norm: Double, to values: [Float], _ task: LocalTask) -> [Float] {
        guard norm > 0 else { return values }
        let key = StreamKey(
            seed: task.seed, round: task.round, attempt: task.attempt, worker: task.worker.text, purpose: .faults)
        var random = key.generator()
        let scale = Float(norm / Double(values.count).squareRoot())
        return values.map { $0 + scale * random.normal() }
    }

    private static func norm(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    /// Keeps what an asynchronous round may still ask for.
    private func forget(before place: Place) {
        let isLate = { (other: Place) in other.round >= place.round - 2 }
        honest = honest.filter { isLate($0.key) }
        own = own.filter { isLate($0.key) }
        templates = templates.filter { isLate($0.key) }
    }
}
