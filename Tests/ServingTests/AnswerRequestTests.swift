import FineTuning
import HTTPTypes
import LanguageModel
import Serving
import Testing

@Suite("Requests for answers")
struct AnswerRequestTests {
    private func chat(_ fields: String) throws(RequestProblem) -> AnswerRequest {
        try AnswerRequest(.chat, Array(#"{"model":"m","messages":[{"role":"user","content":"Hi"}]\#(fields)}"#.utf8))
    }

    @Test("are read with OpenAI's defaults")
    func defaults() throws {
        let request = try chat("")
        #expect(request.model == "m" && request.prompt == .messages([ChatMessage(role: .user, content: "Hi")]))
        #expect(request.maxTokens == nil && request.seed == nil && request.stops.isEmpty && request.alternatives == nil)
        #expect(request.sampling == Sampling(temperature: 1) && !request.streams && !request.includesUsage)
    }

    @Test("are read with every field, null as absent and unknown ones left out of account")
    func everyField() throws {
        let request = try chat(
            #","max_completion_tokens":7,"max_tokens":9,"temperature":0.5,"top_p":0.25,"seed":-1,"#
                + #""stop":["a","b"],"#
                + #""stream":true,"stream_options":{"include_usage":true},"logprobs":true,"top_logprobs":3,"n":1,"#
                + #""presence_penalty":0,"tools":null,"response_format":{"type":"text"},"user":"x","invented":{"a":[1]}"#
        )
        #expect(request.maxTokens == 7 && request.sampling == Sampling(temperature: 0.5, topP: 0.25))
        #expect(request.seed == UInt64.max && request.stops == ["a", "b"])
        #expect(request.streams && request.includesUsage && request.alternatives == 3)
        #expect(try chat(#","stop":"end","temperature":null"#).stops == ["end"])
        #expect(try chat(#","top_p":0"#).sampling == .greedy)
    }

    @Test("take messages of strings and of text parts, and instructions as system messages")
    func messages() throws {
        let body = #"""
            {"model":"m","messages":[{"role":"developer","content":"Be brief."},
             {"role":"user","content":[{"type":"text","text":"One"},{"type":"text","text":" two"}]},
             {"role":"assistant","content":"3"}]}
            """#
        #expect(
            try AnswerRequest(.chat, Array(body.utf8)).prompt
                == .messages([
                    ChatMessage(role: .system, content: "Be brief."), ChatMessage(role: .user, content: "One two"),
                    ChatMessage(role: .assistant, content: "3"),
                ]))
    }

    @Test("take an assistant's turn without content, as clients give back what called tools or was empty")
    func emptyTurns() throws {
        let body = #"""
            {"model":"m","messages":[{"role":"user","content":"One"},
             {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
             {"role":"assistant"},{"role":"assistant","content":""},{"role":"user","content":"Two"}]}
            """#
        let empty = ChatMessage(role: .assistant, content: "")
        #expect(
            try AnswerRequest(.chat, Array(body.utf8)).prompt
                == .messages([
                    ChatMessage(role: .user, content: "One"), empty, empty, empty,
                    ChatMessage(role: .user, content: "Two"),
                ]))
    }

    @Test(
        "to continue a text take it as a string, as a list of one, or as tokens",
        arguments: [
            (#""a b""#, AnswerRequest.Prompt.text("a b")), (#"["a b"]"#, .text("a b")),
            ("[3,1,4]", .tokens([3, 1, 4])),
        ])
    func text(_ json: String, _ expected: AnswerRequest.Prompt) throws {
        let request = try AnswerRequest(.text, Array(#"{"model":"m","prompt":\#(json),"logprobs":2}"#.utf8))
        #expect(request.prompt == expected && request.alternatives == 2)
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let kind: AnswerKind
        let body: String
        let parameter: String?
        let code: String
        var testDescription: String { body }
    }

    private static let user = #""messages":[{"role":"user","content":"Hi"}]"#

    @Test(
        "that are wrong are refused with the field's name",
        arguments: [
            Refused(kind: .chat, body: "", parameter: nil, code: "invalid_json"),
            Refused(kind: .chat, body: "[]", parameter: nil, code: "invalid_json"),
            Refused(kind: .chat, body: #"{"model":"m","model":"m"}"#, parameter: nil, code: "invalid_json"),
            Refused(kind: .chat, body: "{\(user)}", parameter: "model", code: "missing_required_parameter"),
            Refused(kind: .chat, body: #"{"model":1,\#(user)}"#, parameter: "model", code: "invalid_type"),
            Refused(kind: .chat, body: #"{"model":"m"}"#, parameter: "messages", code: "missing_required_parameter"),
            Refused(kind: .chat, body: #"{"model":"m","messages":[]}"#, parameter: "messages", code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#,
                parameter: "messages[0].role", code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m","messages":[{"role":"user","content":null}]}"#,
                parameter: "messages[0].content", code: "invalid_type"),
            Refused(
                kind: .chat, body: #"{"model":"m","messages":[{"role":"system"}]}"#,
                parameter: "messages[0].content", code: "missing_required_parameter"),
            Refused(
                kind: .chat, body: #"{"model":"m","messages":[{"role":"assistant","content":7}]}"#,
                parameter: "messages[0].content", code: "invalid_type"),
            Refused(
                kind: .chat, body: #"{"model":"m","messages":[{"role":"user","content":7}]}"#,
                parameter: "messages[0].content", code: "invalid_type"),
            Refused(
                kind: .chat,
                body: #"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}"#,
                parameter: "messages[0].content[0].type", code: "invalid_value"),
            Refused(kind: .chat, body: #"{"model":"m",\#(user),"n":2}"#, parameter: "n", code: "unsupported_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"temperature":2.5}"#, parameter: "temperature",
                code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"top_p":-0.1}"#, parameter: "top_p", code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"max_tokens":0}"#, parameter: "max_tokens",
                code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"max_tokens":1.5}"#, parameter: "max_tokens",
                code: "invalid_type"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"stop":["a","b","c","d","e"]}"#, parameter: "stop",
                code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"stop":["a",""]}"#, parameter: "stop[1]",
                code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"top_logprobs":2}"#, parameter: "top_logprobs",
                code: "invalid_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"tools":[{}]}"#, parameter: "tools",
                code: "unsupported_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"response_format":{"type":"json_object"}}"#,
                parameter: "response_format", code: "unsupported_value"),
            Refused(
                kind: .chat, body: #"{"model":"m",\#(user),"stream":"yes"}"#, parameter: "stream", code: "invalid_type"
            ),
            Refused(kind: .text, body: #"{"model":"m"}"#, parameter: "prompt", code: "missing_required_parameter"),
            Refused(
                kind: .text, body: #"{"model":"m","prompt":["a","b"]}"#, parameter: "prompt", code: "invalid_value"),
            Refused(
                kind: .text, body: #"{"model":"m","prompt":"a","echo":true}"#, parameter: "echo",
                code: "unsupported_value"),
            Refused(
                kind: .text, body: #"{"model":"m","prompt":"a","logprobs":9}"#, parameter: "logprobs",
                code: "invalid_value"),
        ])
    func refused(_ given: Refused) {
        let problem = #expect(throws: RequestProblem.self) { try AnswerRequest(given.kind, Array(given.body.utf8)) }
        #expect(problem?.status == .badRequest)
        #expect(problem?.parameter == given.parameter)
        #expect(problem?.code == given.code)
        if let parameter = given.parameter { #expect(problem?.message.contains(parameter) == true) }
    }
}
