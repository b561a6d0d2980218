public import LanguageModel
public import Recipe

extension ModelOptions {
    /// As a run's training section asks for it.
    public init(_ training: TrainingOptions) {
        self.init(precision: training.precision, recomputes: training.recomputes, prepacks: training.prepacks)
    }

    public init(precision: TrainingOptions.Precision, recomputes: Bool = false, prepacks: Bool = false) {
        self.init(
            precision: precision == .bfloat16 ? Precision.bfloat16 : .float32, recomputes: recomputes,
            prepacks: prepacks)
    }
}
