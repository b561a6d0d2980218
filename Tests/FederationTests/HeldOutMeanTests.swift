import Federation
import Randomness
import Testing

@Suite("Held-out means")
struct HeldOutMeanTests {
    private func report(_ losses: [Double]) throws -> HeldOutReport {
        try HeldOutReport(
            items: UInt64(losses.count), lossSum: losses.reduce(0, +), squaredLossSum: losses.reduce(0) { $0 + $1 * $1 }
        )
    }

    @Test("of independent items: the textbook mean and standard error")
    func independentItems() throws {
        // Mean 5, sample variance 32/7.
        let mean = HeldOutMean(independentItemsOf: try report([2, 4, 4, 4, 5, 5, 7, 9]))
        #expect(mean.mean == 5)
        #expect(mean.items == 8)
        let error = try #require(mean.standardError)
        #expect(abs(error - (32.0 / 7 / 8).squareRoot()) < 1e-12)
    }

    @Test("of one item have no standard error; of equal items it is 0")
    func degenerate() throws {
        #expect(HeldOutMean(independentItemsOf: try report([3])).standardError == nil)
        #expect(HeldOutMean(independentItemsOf: try report([0.1, 0.1, 0.1])).standardError.map { $0 < 1e-8 } == true)
    }

    @Test("of several workers weigh items, not workers, equally")
    func workersMean() throws {
        let mean = try #require(
            HeldOutMean(of: [report([1, 1, 1]), report([5]), report([2, 4])], minimumCohort: 3))
        #expect(abs(mean.mean - 14.0 / 6) < 1e-12)
        #expect(mean.items == 6)
        #expect(mean.workers == 3)
        // Residuals Sₖ − m·nₖ: 3 − 7, 5 − 7/3, 6 − 14/3.
        let squares = 16.0 + (8.0 / 3) * (8.0 / 3) + (4.0 / 3) * (4.0 / 3)
        let error = try #require(mean.standardError)
        #expect(abs(error - (1.5 * squares / 36).squareRoot()) < 1e-12)
    }

    @Test("equal the error of worker means when all hold equally many items")
    func equalSizes() throws {
        let mean = try #require(
            HeldOutMean(of: [report([1, 3]), report([5, 5]), report([8, 10])], minimumCohort: 1))
        // Worker means 2, 5, 9: sample variance 37/3.
        let error = try #require(mean.standardError)
        #expect(abs(error - (37.0 / 3 / 3).squareRoot()) < 1e-12)
    }

    @Test("of fewer workers than the cohort are never given")
    func cohort() throws {
        let reports = [try report([1, 2]), try report([3])]
        #expect(HeldOutMean(of: reports, minimumCohort: 3) == nil)
        #expect(HeldOutMean(of: reports, minimumCohort: 2) != nil)
        #expect(HeldOutMean(of: [], minimumCohort: 0) == nil)
    }

    @Test("survive counts and sums that no data set has")
    func hostile() throws {
        let huge = try HeldOutReport(items: .max, lossSum: 1, squaredLossSum: 1)
        #expect(HeldOutMean(of: [huge, huge], minimumCohort: 1) == nil)
        let infinite = try HeldOutReport(items: 2, lossSum: 1e150, squaredLossSum: 1e300)
        _ = HeldOutMean(independentItemsOf: infinite)
    }

    @Test(
        "refuse sums that no losses have",
        arguments: [
            (0, 1, 1), (1, -1, 1), (1, .nan, 1), (1, .infinity, .infinity), (2, 2, 1.9), (4, 8, -1),
        ] as [(UInt64, Double, Double)])
    func impossible(_ sums: (items: UInt64, loss: Double, squares: Double)) {
        #expect(throws: HeldOutReportError.self) {
            try HeldOutReport(items: sums.items, lossSum: sums.loss, squaredLossSum: sums.squares)
        }
    }
}

/// The claimed standard errors against the spread of the mean over many simulated fleets.
@Suite("Held-out standard errors in simulation")
struct HeldOutErrorSimulationTests {
    private struct Fleet {
        var generator = CounterRandom(key: 2_024)

        /// A sum of 12 uniforms less 6: mean 0, variance 1, close to normal.
        mutating func standardNormal() -> Double {
            var sum = -6.0
            for _ in 0..<12 { sum += generator.uniformDouble() }
            return sum
        }

        /// Losses around 4 with a worker's own offset (standard deviation 0.5) and item noise (0.8).
        mutating func losses(_ count: Int, spreadOfWorkers: Double) -> [Double] {
            let offset = 4 + spreadOfWorkers * standardNormal()
            return (0..<count).map { _ in max(0, offset + 0.8 * standardNormal()) }
        }
    }

    private func report(_ losses: [Double]) throws -> HeldOutReport {
        try HeldOutReport(
            items: UInt64(losses.count), lossSum: losses.reduce(0, +), squaredLossSum: losses.reduce(0) { $0 + $1 * $1 }
        )
    }

    private func standardDeviation(_ values: [Double]) -> Double {
        let mean = values.reduce(0, +) / Double(values.count)
        return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }

    @Test("the worker-wise error matches; the item-wise one is far too small")
    func clusters() throws {
        var fleet = Fleet()
        var means: [Double] = []
        var workerVariances = 0.0
        var itemVariances = 0.0
        for _ in 0..<1_500 {
            // Unequal sizes, as owners have.
            let losses = (0..<30).map { fleet.losses(5 + 3 * ($0 % 7), spreadOfWorkers: 0.5) }
            let mean = try #require(HeldOutMean(of: losses.map { try report($0) }, minimumCohort: 3))
            means.append(mean.mean)
            let error = try #require(mean.standardError)
            workerVariances += error * error / 1_500
            let itemwise = try #require(HeldOutMean(independentItemsOf: report(losses.flatMap { $0 })).standardError)
            itemVariances += itemwise * itemwise / 1_500
        }
        // 1,500 repeats know a standard deviation to 1.8%; the estimator's own bias at 30 workers is about 3%.
        let actual = standardDeviation(means)
        #expect((0.92...1.08).contains(workerVariances.squareRoot() / actual))
        #expect(itemVariances.squareRoot() / actual < 0.6)
    }

    @Test("the item-wise error matches when items are independent")
    func items() throws {
        var fleet = Fleet()
        var means: [Double] = []
        var variances = 0.0
        for _ in 0..<2_000 {
            let mean = HeldOutMean(independentItemsOf: try report(fleet.losses(200, spreadOfWorkers: 0)))
            means.append(mean.mean)
            let error = try #require(mean.standardError)
            variances += error * error / 2_000
        }
        #expect((0.94...1.06).contains(variances.squareRoot() / standardDeviation(means)))
    }
}
