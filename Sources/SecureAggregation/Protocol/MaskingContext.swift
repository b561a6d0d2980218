public import Federation

/// Names one attempt at a masked sum. Everything that is signed, derived or sealed is bound to it, so that nothing of
/// one attempt is of use in another.
public struct MaskingContext: Hashable, Sendable {
    public let run: RunID
    public let round: Int
    public let attempt: Int

    public init(run: RunID, round: Int, attempt: Int) {
        self.run = run
        self.round = round
        self.attempt = attempt
    }

    /// A message's or key's name followed by this attempt: the beginning of what is signed or derived from.
    func bytes(_ label: String) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(text: "shoal \(label) 1")
        writer.append(text: run.text)
        writer.append(UInt64(round))
        writer.append(UInt64(attempt))
        return writer
    }
}
