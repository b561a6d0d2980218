/// One row of a data file.
public struct DataRow: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case text(String)
        case completion(prompt: String, completion: String)
        /// At least one message, one of them the assistant's.
        case chat([ChatMessage])
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

    /// The text without a chat's template: a prompt and its completion, or a chat's messages, one directly after the
    /// other.
    public var text: String {
        switch content {
        case .text(let text): text
        case .completion(let prompt, let completion): prompt + completion
        case .chat(let messages): messages.map(\.content).joined()
        }
    }
}
