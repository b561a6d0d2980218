/// What `tokenizer.json` says about making batches: the longest text, and the token that fills shorter ones up.
///
/// Encoding does not follow it by itself; as in `transformers`, the call says how long a text may be.
struct BatchSettings {
    /// Unit: tokens, special ones included.
    private(set) var maximumLength: Int?
    private(set) var paddingID: Int32?

    init(_ document: JSONField) throws(TokenizerError) {
        if let truncation = try document.optional("truncation") {
            maximumLength = try truncation.required("max_length").count()
            if let direction = try truncation.optional("direction"), try direction.text() != "Right" {
                throw direction.unsupported(quoted(try direction.bytes()), supported: "\"Right\"")
            }
        }
        if let padding = try document.optional("padding") { paddingID = try padding.required("pad_id").tokenID() }
    }
}
