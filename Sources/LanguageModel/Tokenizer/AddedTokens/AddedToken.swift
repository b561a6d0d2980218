/// A token found in the text itself, before the model sees it.
struct AddedToken: Equatable {
    let id: Int32
    /// UTF-8, not empty.
    let content: [UInt8]
    /// Matches only between scalars that are not part of a word.
    let isSingleWord: Bool
    /// Takes the white space before it along.
    let stripsLeft: Bool
    /// Takes the white space after it along.
    let stripsRight: Bool
    /// Is looked for in normalized text, in its own normalized form; otherwise in the text as given.
    let isNormalized: Bool
    /// Left out by decoding unless asked for.
    let isSpecial: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        id = try field.required("id").tokenID()
        content = try field.required("content").bytes()
        isSingleWord = try field.required("single_word").boolean()
        stripsLeft = try field.required("lstrip").boolean()
        stripsRight = try field.required("rstrip").boolean()
        isNormalized = try field.required("normalized").boolean()
        isSpecial = try field.required("special").boolean()
    }
}
