/// One row of a data file.
public struct DataRow: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case text(String)
        case completion(prompt: String, completion: String)
    }

    public enum Split: String, Hashable, Sendable, CaseIterable { case train, test }

    public var content: Content
    /// `train` where the file says nothing.
    public var split: Split
    /// Whose row it is; used to partition a simulation only.
    public var worker: String?
    /// The class, for classification.
    public var label: String?

    public init(_ content: Content, split: Split = .train, worker: String? = nil, label: String? = nil) {
        self.content = content
        self.split = split
        self.worker = worker
        self.label = label
    }

    /// The text that causal training sees: a prompt and its completion stand directly one after the other.
    public var text: String {
        switch content {
        case .text(let text): text
        case .completion(let prompt, let completion): prompt + completion
        }
    }
}
