internal import Glibc
public import Recipe

/// The learning rate of every step of a run, as the schedules of `transformers` define it.
public struct LearningRateSchedule: Sendable {
    public let peak: Double
    public let kind: TrainingOptions.Schedule
    public let warmupSteps: Int
    public let totalSteps: Int

    public init(_ options: TrainingOptions) {
        peak = options.learningRate
        kind = options.schedule
        warmupSteps = options.warmupSteps
        totalSteps = options.totalSteps
    }

    /// - Parameter step: The global step, counted from 1: (round − 1) · local steps + step.
    public func rate(at step: Int) -> Double {
        let done = Double(step - 1)
        if step - 1 < warmupSteps { return peak * done / Double(max(1, warmupSteps)) }
        let span = Double(max(1, totalSteps - warmupSteps))
        let progress = min(1, (done - Double(warmupSteps)) / span)
        switch kind {
        case .constant: return peak
        case .linear: return peak * (1 - progress)
        case .cosine: return peak * 0.5 * (1 + cos(.pi * progress))
        }
    }
}
