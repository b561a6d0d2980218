import FixtureFiles
import ModelFiles
import Testing

@Suite("PEFT adapter configurations")
struct AdapterConfigurationTests {
    static let plain = #""peft_type":"LORA","r":2,"lora_alpha":4,"target_modules":["q"]"#

    @Test(
        "settings that change the maths are refused by name",
        arguments: [
            "alora_invocation_tokens", "bias", "ensure_weight_tying", "init_lora_weights", "kasa_config",
            "layer_replication", "lora_bias", "peft_type", "target_parameters", "trainable_token_indices", "use_qalora",
        ])
    func refused(key: String) throws {
        let bytes = try MappedFile(path: FixtureFiles.path("peft/refused/\(key).json")).copy()
        #expect {
            try AdapterConfiguration(decoding: bytes)
        } throws: { error in
            guard case .unsupported(key, _, _)? = error as? AdapterConfigurationError else { return false }
            return true
        }
    }

    @Test("an unknown setting is refused unless it is off")
    func unknownSetting() throws {
        let off = "{" + Self.plain + #","new_a":null,"new_b":false,"new_c":{},"new_d":[]}"#
        #expect(try AdapterConfiguration(decoding: off.utf8).rank == 2)
        let on = "{" + Self.plain + #","new_a":0.5}"#
        #expect {
            try AdapterConfiguration(decoding: on.utf8)
        } throws: { "\($0)".contains("new_a = 0.5 is not supported") }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let names: String
    }

    @Test(
        "a bad value is named",
        arguments: [
            Bad(testDescription: "", names: "not valid JSON"),
            Bad(testDescription: "[]", names: "a list"),
            Bad(testDescription: #"{"r":2}"#, names: "peft_type"),
            Bad(testDescription: #"{"peft_type":"LORA","lora_alpha":4,"target_modules":["q"]}"#, names: "no r"),
            Bad(testDescription: #"{"peft_type":"LORA","r":0,"lora_alpha":4,"target_modules":["q"]}"#, names: "r must"),
            Bad(testDescription: #"{"peft_type":"LORA","r":2,"target_modules":["q"]}"#, names: "lora_alpha"),
            Bad(testDescription: #"{"peft_type":"LORA","r":2,"lora_alpha":4}"#, names: "target_modules"),
            Bad(
                testDescription: #"{"peft_type":"LORA","r":2,"lora_alpha":4,"target_modules":[]}"#,
                names: "target_modules"),
            Bad(testDescription: "{\(plain),\"lora_dropout\":1}", names: "lora_dropout must"),
            Bad(testDescription: "{\(plain),\"use_rslora\":1}", names: "use_rslora must"),
            Bad(testDescription: "{\(plain),\"task_type\":1}", names: "task_type must"),
            Bad(testDescription: "{\(plain),\"r\":3}", names: "twice"),
        ])
    func badValue(_ given: Bad) {
        #expect {
            try AdapterConfiguration(decoding: given.testDescription.utf8)
        } throws: { "\($0)".contains(given.names) }
    }

    @Test("the file is laid out as Python's json.dumps(indent=2, sort_keys=True) lays it out")
    func encoded() throws {
        let configuration = AdapterConfiguration(
            rank: 8, alpha: 16, dropout: 0.05, targetModules: .named(["q_proj", "v_proj"]), baseModel: "models/ü🦈")
        let expected = #"""
            {
              "alpha_pattern": {},
              "auto_mapping": null,
              "base_model_name_or_path": "models/\u00fc\ud83e\udd88",
              "bias": "none",
              "fan_in_fan_out": false,
              "inference_mode": true,
              "init_lora_weights": true,
              "layers_pattern": null,
              "layers_to_transform": null,
              "loftq_config": {},
              "lora_alpha": 16,
              "lora_dropout": 0.05,
              "megatron_config": null,
              "megatron_core": "megatron.core",
              "modules_to_save": null,
              "peft_type": "LORA",
              "r": 8,
              "rank_pattern": {},
              "revision": null,
              "target_modules": [
                "q_proj",
                "v_proj"
              ],
              "task_type": "CAUSAL_LM",
              "use_dora": false,
              "use_rslora": false
            }
            """#
        #expect(String(decoding: configuration.encoded(), as: UTF8.self) == expected)
        #expect(try AdapterConfiguration(decoding: configuration.encoded()) == configuration)
    }
}
