public import ModelFiles

/// Measures the global adapter on text that the coordinator holds; model code stays outside the coordinator.
public protocol Evaluating: AnyObject {
    /// - Parameters:
    ///   - values: The adapter's flat vector, `[parameterCount]`.
    ///   - residual: What belongs to the global model beside it; `nil`: nothing.
    ///   - completion: May be called from any thread; once.
    func evaluate(
        adapter values: [Float], residual: AdapterResidual?,
        completion: @escaping @Sendable (Result<Evaluation, any Error>) -> Void)
}
