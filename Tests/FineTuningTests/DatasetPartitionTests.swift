import FineTuning
import Testing

@Suite("Dividing data between workers")
struct DatasetPartitionTests {
    /// Each row its own text; labels in turn; every tenth row is for testing.
    static func rows(_ count: Int, labels: Int = 2) -> [DataRow] {
        (0..<count).map { index in
            DataRow(
                .text("\(index)"), split: index % 10 == 9 ? .test : .train, worker: "w\(index % 7)",
                label: "\(index % labels)")
        }
    }

    @Test("by field: the first workers in file order, each with all its rows")
    func byField() throws {
        let rows = Self.rows(20)
        let shares = try Partition.worker.shares(of: rows, workers: 3, seed: 0)
        #expect(shares.map(\.worker) == ["w0", "w1", "w2"])
        #expect(shares[1].rows.map(\.text) == ["1", "8", "15"])
        #expect(try Partition.worker.shares(of: rows, workers: nil, seed: 0).count == 7)
        #expect(throws: PartitionError.tooFewWorkers(asked: 8, found: 7)) {
            try Partition.worker.shares(of: rows, workers: 8, seed: 0)
        }
        #expect(throws: PartitionError.rowWithoutWorker(row: 21)) {
            try Partition.worker.shares(of: rows + [DataRow(.text("x"))], workers: 3, seed: 0)
        }
    }

    @Test(
        "every row goes to exactly one worker, in file order, the same for the same seed only",
        arguments: [Partition.even, .labelDirichlet(alpha: 0.5), .labelDirichlet(alpha: 0.001)], [1, 3, 20])
    func everyRowOnce(partition: Partition, workers: Int) throws {
        let rows = Self.rows(500, labels: 5)
        let shares = try partition.shares(of: rows, workers: workers, seed: 7)
        let numbers = shares.map { $0.rows.compactMap { Int($0.text) } }
        #expect(numbers.flatMap { $0 }.sorted() == Array(0..<500))
        #expect(numbers.allSatisfy { $0 == $0.sorted() })
        #expect(shares.map(\.worker).first == "worker-01")
        #expect(shares.count == workers)
        #expect(shares.allSatisfy { $0.rows.contains { $0.split == .train } })
        let tests = shares.map { $0.rows.count { $0.split == .test } }
        #expect((tests.max() ?? 0) - (tests.min() ?? 0) <= 1)
        #expect(try partition.shares(of: rows, workers: workers, seed: 7) == shares)
        if workers > 1 { #expect(try partition.shares(of: rows, workers: workers, seed: 8) != shares) }
    }

    @Test("even parts differ by at most one row")
    func even() throws {
        let shares = try Partition.even.shares(of: Self.rows(100), workers: 7, seed: 1)
        let trains = shares.map { $0.rows.count { $0.split == .train } }
        #expect(trains.sorted() == [12, 13, 13, 13, 13, 13, 13])
    }

    /// For Dirichlet(alpha) over W workers each share has mean 1/W and variance (1/W)(1 − 1/W) / (W·alpha + 1).
    @Test("a label's shares have the Dirichlet distribution's variance", arguments: [0.05, 0.5, 1, 5])
    func variance(alpha: Double) throws {
        let workers = 4
        let perLabel = 400
        var squares = 0.0
        var draws = 0.0
        for seed in UInt64(0)..<150 {
            let rows = (0..<perLabel * 2).map { DataRow(.text(""), label: "\($0 % 2)") }
            for share in try Partition.labelDirichlet(alpha: alpha).shares(of: rows, workers: workers, seed: seed) {
                for label in ["0", "1"] {
                    let part = Double(share.rows.count { $0.label == label }) / Double(perLabel)
                    squares += (part - 0.25) * (part - 0.25)
                    draws += 1
                }
            }
        }
        let expected = 0.25 * 0.75 / (4 * alpha + 1)
        #expect(abs(squares / draws - expected) < 0.12 * expected, "\(squares / draws) for \(expected)")
    }

    @Test("what cannot be divided is refused with what to change")
    func refused() {
        let rows = Self.rows(9)
        #expect(throws: PartitionError.tooFewRows(workers: 10, trainRows: 9)) {
            try Partition.even.shares(of: rows, workers: 10, seed: 0)
        }
        #expect(throws: PartitionError.invalidWorkers(0)) { try Partition.even.shares(of: rows, workers: 0, seed: 0) }
        #expect(throws: PartitionError.workersNotGiven) { try Partition.even.shares(of: rows, workers: nil, seed: 0) }
        for alpha in [0, -1, .nan, .infinity] {
            #expect(throws: PartitionError.self) {
                try Partition.labelDirichlet(alpha: alpha).shares(of: rows, workers: 2, seed: 0)
            }
        }
        #expect(throws: PartitionError.rowWithoutLabel(row: 10)) {
            try Partition.labelDirichlet(alpha: 1).shares(of: rows + [DataRow(.text(""))], workers: 2, seed: 0)
        }
    }

    @Test("as many workers as rows: each gets one")
    func oneEach() throws {
        let shares = try Partition.labelDirichlet(alpha: 0.01).shares(of: Self.rows(9), workers: 9, seed: 3)
        #expect(shares.map(\.rows.count) == [Int](repeating: 1, count: 9))
    }
}
