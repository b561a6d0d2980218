public import Randomness

/// An encoder with a classification head: base weights are frozen and shared; what trains is the adapter passed to
/// each call, which holds the head too.
///
/// A model keeps scratch memory between calls, so it belongs to one thread at a time.
public protocol SequenceClassifier: AnyObject {
    var vocabularySize: Int { get }
    /// The longest text that the position encoding covers. Unit: tokens.
    var maximumLength: Int { get }
    var classCount: Int { get }
    /// Layers that an adapter may target, in the model's own order.
    var linearLayers: [LinearLayer] { get }
    /// The head, which trains whole beside an adapter.
    var savedModules: [SavedModule] { get }
    /// The checkpoint's own head by its tensors' names; `nil` where it has none for this many classes.
    var storedHead: [String: [Float]]? { get }

    /// The Euclidean lengths of the rows of a linear layer's weight as `[out, in]`, `[out]`.
    ///
    /// - Parameter layer: One of ``linearLayers``.
    func weightRowNorms(of layer: String) -> [Float]

    /// A linear layer's weight, `[out, in]` row-major, as the model computes with it.
    ///
    /// - Parameter layer: One of ``linearLayers``.
    func weight(of layer: String) -> [Float]

    /// Logits `[examples, classes]`, row-major, float32.
    ///
    /// - Parameter adapter: With the head's tensors; one without them, or `nil`, needs ``storedHead``.
    func logits(_ batch: ClassificationBatch, adapter: LowRankAdapter?) -> [Float]

    /// The mean cross-entropy over the batch's examples in nats, and its gradient by the adapter's values.
    ///
    /// - Parameters:
    ///   - dropout: Where dropout masks come from, the adapter's and the base model's own; `nil` drops nothing.
    ///   - gradient: `[adapter.layout.parameterCount]`, float32; the gradient times `gradientScale` is **added** to it.
    func lossAndGradient(
        _ batch: ClassificationBatch, adapter: LowRankAdapter, dropout: CounterRandom?, gradientScale: Float,
        gradient: inout [Float]
    ) -> Double
}
