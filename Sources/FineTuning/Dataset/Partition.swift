internal import Randomness

/// How a simulation divides one data file between its workers.
public enum Partition: Hashable, Sendable {
    /// By the rows' `worker` field.
    case worker
    /// Each class's rows in proportions drawn from a symmetric Dirichlet(alpha); small alpha: very unlike workers.
    case labelDirichlet(alpha: Double)
    /// Shuffled, then in equal parts.
    case even
}

/// One worker's part of a partitioned data file.
public struct WorkerShare: Hashable, Sendable {
    public let worker: String
    /// In file order; `worker` fields as they stood in the file.
    public let rows: [DataRow]
}

/// Why a data file cannot be divided as asked.
public enum PartitionError: Error, Hashable, Sendable, CustomStringConvertible {
    case invalidWorkers(Int)
    case workersNotGiven
    case invalidAlpha(Double)
    /// Rows count from 1.
    case rowWithoutWorker(row: Int)
    case rowWithoutLabel(row: Int)
    case tooFewWorkers(asked: Int, found: Int)
    case tooFewRows(workers: Int, trainRows: Int)

    public var description: String {
        switch self {
        case .invalidWorkers(let workers): "cannot divide the data between \(workers) workers; ask for at least 1"
        case .workersNotGiven: "data.partition needs the number of workers; set federation.workers"
        case .invalidAlpha(let alpha): "data.partition.label-dirichlet must be a number above 0, it is \(alpha)"
        case .rowWithoutWorker(let row):
            "row \(row) of the data has no \"worker\" field; add it or set data.partition to even"
        case .rowWithoutLabel(let row):
            "row \(row) of the data has no \"label\" field; add it or set data.partition to even"
        case .tooFewWorkers(let asked, let found):
            "\(asked) workers were asked for and the data names \(found); lower federation.workers"
        case .tooFewRows(let workers, let trainRows):
            "\(trainRows) train rows are too few for \(workers) workers, each needs one; lower federation.workers"
        }
    }
}

extension Partition {
    /// Divides rows between workers; the same rows and seed always give the same shares.
    ///
    /// `worker` takes the first `workers` names in file order, each with all its rows. The others name their workers
    /// `worker-01`, `worker-02`, …; every worker gets at least one `train` row (a Dirichlet draw that leaves a worker
    /// without takes one from the worker that has most), and `test` rows are divided evenly, so that a worker's own
    /// test rows follow the whole data's distribution; with fewer test rows than workers, the last workers have none.
    ///
    /// - Parameter workers: How many; `nil` (for `worker` only) takes all that the file names.
    /// - Returns: Shares in file order of the names, or in order of the numbers.
    public func shares(of rows: [DataRow], workers: Int?, seed: UInt64) throws(PartitionError) -> [WorkerShare] {
        if let workers, workers < 1 { throw .invalidWorkers(workers) }
        if self == .worker { return try Self.byField(rows, workers: workers) }
        guard let workers else { throw .workersNotGiven }

        let train = rows.indices.filter { rows[$0].split == .train }
        let test = rows.indices.filter { rows[$0].split == .test }
        guard train.count >= workers else { throw .tooFewRows(workers: workers, trainRows: train.count) }
        var random = StreamKey(seed: seed, purpose: .partition).generator()
        var parts: [[Int]]
        if case .labelDirichlet(let alpha) = self {
            guard alpha > 0, alpha.isFinite else { throw .invalidAlpha(alpha) }
            parts = try Self.byLabel(train, rows: rows, workers: workers, alpha: alpha, random: &random)
        } else {
            parts = Self.evenly(train.shuffled(using: &random), workers: workers)
        }
        for (worker, part) in Self.evenly(test.shuffled(using: &random), workers: workers).enumerated() {
            parts[worker] += part
        }
        let digits = max(2, String(workers).count)
        return parts.enumerated().map { index, part in
            let number = String(index + 1)
            let name = "worker-" + String(repeating: "0", count: digits - number.count) + number
            return WorkerShare(worker: name, rows: part.sorted().map { rows[$0] })
        }
    }

    private static func byField(_ rows: [DataRow], workers: Int?) throws(PartitionError) -> [WorkerShare] {
        var order: [String] = []
        var shares: [String: [DataRow]] = [:]
        for (index, row) in rows.enumerated() {
            guard let worker = row.worker else { throw .rowWithoutWorker(row: index + 1) }
            if shares[worker] == nil { order.append(worker) }
            shares[worker, default: []].append(row)
        }
        let asked = workers ?? order.count
        guard asked <= order.count else { throw .tooFewWorkers(asked: asked, found: order.count) }
        return order.prefix(asked).map { WorkerShare(worker: $0, rows: shares[$0] ?? []) }
    }

    /// Parts of which the first ones are longer by one where the division leaves a remainder.
    private static func evenly(_ indices: [Int], workers: Int) -> [[Int]] {
        let (size, remainder) = indices.count.quotientAndRemainder(dividingBy: workers)
        var start = 0
        return (0..<workers).map { worker in
            let end = start + size + (worker < remainder ? 1 : 0)
            defer { start = end }
            return Array(indices[start..<end])
        }
    }

    /// Hsu, Qi and Brown 2019 (arXiv:1909.06335), drawn a class at a time as in Li et al. 2022 (arXiv:2102.02079).
    private static func byLabel(
        _ indices: [Int], rows: [DataRow], workers: Int, alpha: Double, random: inout CounterRandom
    ) throws(PartitionError) -> [[Int]] {
        var order: [String] = []
        var classes: [String: [Int]] = [:]
        for index in indices {
            guard let label = rows[index].label else { throw .rowWithoutLabel(row: index + 1) }
            if classes[label] == nil { order.append(label) }
            classes[label, default: []].append(index)
        }
        var parts = [[Int]](repeating: [], count: workers)
        for label in order {
            let members = (classes[label] ?? []).shuffled(using: &random)
            let proportions = Dirichlet.proportions(workers, alpha: alpha, random: &random)
            var start = 0
            var cumulated = 0.0
            for worker in 0..<workers {
                cumulated += proportions[worker]
                let cut = Int((cumulated * Double(members.count)).rounded())
                let end = worker == workers - 1 ? members.count : min(max(cut, start), members.count)
                parts[worker] += members[start..<end]
                start = end
            }
        }
        // Terminates: there are at least as many rows as workers, so the largest part has two or more.
        while let empty = parts.firstIndex(of: []) {
            var largest = 0
            for worker in parts.indices where parts[worker].count > parts[largest].count { largest = worker }
            parts[empty].append(parts[largest].removeLast())
        }
        return parts
    }
}
