package import Randomness
internal import Recipe

/// Draws a step's examples so that none comes twice while others are left: each from a group that has some left, every such
/// group equally often.
package struct StepDraw {
    /// Each group's first `left` have not been drawn in this step.
    private var groups: [[Int]]
    private var left: [Int]
    private var drawn = 0
    /// Over all of an optimiser step's batches.
    private let stepSize: Int

    /// - Parameters:
    ///   - groups: None of them empty, and at least one.
    ///   - stepSize: Examples of an optimiser step, at least 1.
    init(groups: [[Int]], stepSize: Int) {
        self.groups = groups
        self.stepSize = stepSize
        left = groups.map(\.count)
    }

    package mutating func next(_ random: inout CounterRandom) -> Int {
        if drawn == stepSize || left.allSatisfy({ $0 == 0 }) {
            left = groups.map(\.count)
            if drawn == stepSize { drawn = 0 }
        }
        drawn += 1
        let open = left.indices.filter { left[$0] > 0 }
        let group = open[random.index(below: open.count)]
        let place = random.index(below: left[group])
        left[group] -= 1
        groups[group].swapAt(place, left[group])
        return groups[group][left[group]]
    }
}

extension TrainingOptions {
    /// Examples of an optimiser step.
    var stepSize: Int { batchSize * accumulationSteps }
}
