import ModelFiles
import Testing

/// A pattern comes with somebody else's adapter or offer; matching it must end.
@Suite("Patterns that take for ever")
struct PatternCostTests {
    private static func targeting(_ pattern: String) throws -> AdapterTargeting {
        try AdapterTargeting(AdapterConfiguration(rank: 1, alpha: 1, targetModules: .pattern(pattern)))
    }

    @Test(
        "are refused before they are tried",
        arguments: [
            "(.+)+x", "(.*)*x", "(?:[a-z._0-9]+)*x", "(a|.)*x", "((.?)+)x", "(.{1,9}){1,99}x", "(?:a?){40}a{40}",
            ".*.*.*.*.*x", "(?:(?:.*x)|.)+", ".{0,2000}x", "(?:){100000000}", "((?:a{1000}){1000}){1000}",
            "a{99999999999999999999}", "(?!(.+)+x)q", "(?>(.+)+x)", "(.*.*|.*.*.*)*?x", "(.+)++x",
            String(repeating: "a?", count: 60), String(repeating: "(", count: 400) + String(repeating: ")", count: 400),
        ])
    func refused(_ pattern: String) {
        #expect(throws: ModuleNamePatternError.self) { try Self.targeting(pattern) }
        var configuration = AdapterConfiguration(rank: 1, alpha: 1, targetModules: .allLinear)
        configuration.rankPattern = [pattern: 2]
        #expect(throws: ModuleNamePatternError.self) { try AdapterTargeting(configuration) }
        configuration.rankPattern = [:]
        configuration.excludedModules = .pattern(pattern)
        #expect(throws: ModuleNamePatternError.self) { try AdapterTargeting(configuration) }
    }

    @Test(
        "and those that people write are taken, and still match",
        arguments: [
            #".*\.(q_proj|v_proj)$"#, ".*layers.*(SelfAttention|self_attn).*(q|v)_proj",
            #"model\.layers\.(?:[0-9]|1[0-5])\.(?:self_attn|mlp)\.(?:[qkvo]|gate|up|down)_proj"#,
            "^(?!.*patch_embed).*(?:language_model|model).*(?:q_proj|k_proj|v_proj|o_proj).*",
            #"(?:model\.)?layers\.\d+\.\w+\.[qkv]_proj"#, #"([a-z]+\.){2}\d{1,3}\.self_attn\.q_pro{1,}j"#,
        ])
    func taken(_ pattern: String) throws {
        let targeting = try Self.targeting(pattern)
        #expect(targeting.selects("model.layers.3.self_attn.q_proj"))
        #expect(!targeting.selects("lm_head"))
    }
}
