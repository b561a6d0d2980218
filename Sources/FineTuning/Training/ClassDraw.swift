package import Randomness

/// Which examples a batch of classification holds, drawn with replacement.
///
/// A classifier learns how frequent a class is where it trains, and workers with other mixes of classes pull a shared
/// model apart for that reason alone. Balanced, each class that a worker has is drawn equally often, and the classes it
/// does not have are left out of its loss: a worker with one class alone teaches nothing then, which is what it knows.
package struct ClassDraw {
    private let count: Int
    /// The examples of each class that has any; empty where examples are drawn as frequent as they are.
    private let groups: [[Int]]
    /// Classes that take no part in the loss.
    package let leftOut: [Int]

    package init(_ examples: ClassificationExamples, isBalanced: Bool) {
        count = examples.count
        let byClass = isBalanced ? examples.byClass : []
        groups = byClass.filter { !$0.isEmpty }
        leftOut = byClass.indices.filter { byClass[$0].isEmpty }
    }

    /// How many examples drawn as frequent as they are would give a mean gradient of the same variance, at least 1: what a
    /// worker's update weighs. Balanced over k classes it is k²/Σ(1/n), n being a class's examples, and next to nothing
    /// where a class has next to none.
    package var effectiveCount: Int {
        guard !groups.isEmpty else { return count }
        guard groups.count > 1 else { return 1 }
        let classes = Double(groups.count)
        return max(1, Int((classes * classes / groups.reduce(0) { $0 + 1 / Double($1.count) }).rounded()))
    }

    /// Draws without an example that comes twice in a step while others are left.
    package func apart(stepSize: Int) -> StepDraw {
        StepDraw(groups: groups.isEmpty ? [Array(0..<count)] : groups, stepSize: stepSize)
    }

    package func next(_ random: inout CounterRandom) -> Int {
        guard !groups.isEmpty else { return random.index(below: count) }
        let group = groups[random.index(below: groups.count)]
        return group[random.index(below: group.count)]
    }
}
