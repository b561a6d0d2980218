import ArgumentParser

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure this machine at the work that Shoal does.",
        subcommands: [
            BenchTrain.self, BenchAggregate.self, BenchCodec.self, BenchFleet.self, BenchFleetWorkers.self,
            BenchFaults.self, BenchMasks.self,
        ])
}
