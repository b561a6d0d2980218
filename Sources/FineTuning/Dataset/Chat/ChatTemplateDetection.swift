package import LanguageModel
internal import ModelFiles
internal import Recipe

/// Recognises which built-in template a model directory's own is.
package enum ChatTemplateDetection {
    /// What a model directory says about conversations.
    package struct Evidence {
        /// The Jinja source, from `tokenizer_config.json` or `chat_template.jinja`.
        package var source: String?
        package var specials: ChatSpecials
        /// Whether the tokenizer has a token written exactly so.
        package var hasToken: (String) -> Bool

        package init(source: String?, specials: ChatSpecials, hasToken: @escaping (String) -> Bool) {
            self.source = source
            self.specials = specials
            self.hasToken = hasToken
        }
    }

    /// - Returns: `nil` for a template that is none of the built-in ones.
    package static func template(_ evidence: Evidence) -> ChatTemplate? {
        if let source = evidence.source { return template(source: source, evidence.specials) }
        let known: [(tokens: [String], name: ChatTemplateName)] = [
            (["<|im_start|>", "<|im_end|>"], .chatml),
            (["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], .llama3),
            (["<start_of_turn>", "<end_of_turn>"], .gemma),
        ]
        for (tokens, name) in known where tokens.allSatisfy(evidence.hasToken) {
            return ChatTemplate(
                name, specials: evidence.specials,
                reason: "the model has no chat template; its tokenizer has \(tokens.joined(separator: " and "))")
        }
        return ChatTemplate(
            .plain, specials: evidence.specials,
            reason: "the model has no chat template and none of the known tokens; name another with "
                + "data.chat-template or --chat-template")
    }

    private static func template(source: String, _ specials: ChatSpecials) -> ChatTemplate? {
        let reason = "recognised in the model's own chat template"
        func has(_ markers: String...) -> Bool { markers.allSatisfy { source.contains($0) } }
        if has("<|im_start|>", "<|im_end|>") {
            let notes = has("<think>") ? reason + "; thinking is not written" : reason
            return ChatTemplate(
                .chatml, ChatMLFormat(defaultSystem: defaultSystem(source)), specials, reason: notes)
        }
        if has("<|start_header_id|>", "<|eot_id|>") {
            let notes = has("Cutting Knowledge Date") ? reason + "; its dated system header is left out" : reason
            return ChatTemplate(.llama3, Llama3Format(), specials, reason: notes)
        }
        if has("<start_of_turn>", "<end_of_turn>") {
            let folds = !has("System role not supported")
            return ChatTemplate(.gemma, GemmaFormat(foldsSystem: folds), specials, reason: reason)
        }
        // Phi-3 has the same roles with another end of turn.
        if has("<|user|>", "<|assistant|>", "eos_token"), !has("<|end|>") {
            return ChatTemplate(.zephyr, specials: specials, reason: reason)
        }
        if has("### Instruction:", "### Response:") { return ChatTemplate(.alpaca, specials: specials, reason: reason) }
        return nil
    }

    /// The system message that a ChatML template writes by itself: literal text between its two markers.
    private static func defaultSystem(_ source: String) -> String? {
        let opening = "<|im_start|>system"
        var rest = source[...]
        while let start = rest.firstRange(of: opening) {
            rest = rest[start.upperBound...]
            // The line break is an escape inside a Jinja literal, or one in itself.
            let lineBreak = ["\\n", "\n"].first { rest.hasPrefix($0) }
            guard let lineBreak, let end = rest.firstRange(of: "<|im_end|>") else { continue }
            let text = rest.dropFirst(lineBreak.count)[..<end.lowerBound]
            // A quotation mark or brace ends the literal: what follows is computed.
            if !text.isEmpty, !text.contains(where: { "'\"{}\\".contains($0) }) { return String(text) }
        }
        return nil
    }
}

extension ChatTemplateDetection.Evidence {
    /// - Throws: ``DataError`` for files of the directory that cannot be read.
    package init(directory: String, tokenizer: Tokenizer, begin: Int32?, end: Int32?) throws(DataError) {
        let settings = try Self.object(directory + "/tokenizer_config.json")
        func special(_ key: String, _ id: Int32?) -> String {
            switch settings[key] {
            case .string(let text)?: return text
            case .object(let fields)?:
                if case .string(let text)? = fields["content"] { return text }
            default: break
            }
            return id.flatMap { tokenizer.token($0) } ?? ""
        }
        specials = ChatSpecials(begin: special("bos_token", begin), end: special("eos_token", end))
        hasToken = { tokenizer.id(of: $0) != nil }
        source = try Self.source(directory: directory, settings)
    }

    private static func source(
        directory: String, _ settings: [String: JSONValue]
    ) throws(DataError) -> String? {
        // As transformers: a file of its own comes before the setting.
        if let bytes = try contents(directory + "/chat_template.jinja") {
            return String(decoding: bytes, as: UTF8.self)
        }
        if case .string(let text)? = try object(directory + "/chat_template.json")["chat_template"] { return text }
        switch settings["chat_template"] {
        case .string(let text)?: return text
        case .array(let templates)?:
            for case .object(let template) in templates where template["name"] == .string("default") {
                if case .string(let text)? = template["template"] { return text }
            }
            return nil
        default: return nil
        }
    }

    /// Empty if there is no such file.
    private static func object(_ path: String) throws(DataError) -> [String: JSONValue] {
        guard let bytes = try contents(path) else { return [:] }
        do {
            if case .object(let members) = try JSONValue(parsing: bytes) { return members }
            throw DataError.malformed(.line(file: path, 1), reason: "the file must hold an object")
        } catch let error as DataError {
            throw error
        } catch {
            throw .malformed(.line(file: path, 1), reason: "\(error); take the model's directory as it was published")
        }
    }

    private static func contents(_ path: String) throws(DataError) -> [UInt8]? {
        do { return try MappedFile(path: path).copy() } catch {
            if error.isMissing { return nil }
            throw .unreadable(error)
        }
    }
}
