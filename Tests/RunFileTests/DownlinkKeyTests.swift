import Federation
import RunFile
import Testing

@Suite("The downlink's codec in run files")
struct DownlinkKeyTests {
    @Test(
        "what it cannot work with is refused with the key and the remedy",
        arguments: [
            (
                ["compression.downlink=eden:bits=4", "federation.aggregation=flora"],
                "set 'compression.downlink: dense', or the aggregation to separate, ffa-lora"
            ),
            (
                [
                    "compression.downlink=int8", "federation.strategy=scaffold", "training.optimizer=sgd",
                    "training.learning-rate=0.1",
                ], "whose control variate travels whole"
            ),
            (
                ["compression.downlink=int8", "adapter.rank=[4, 8]", "federation.aggregation=hetlora"],
                "set 'compression.downlink: dense'"
            ),
        ])
    func refusals(_ overrides: [String], _ remedy: String) {
        let error = #expect(throws: RunFileError.self) {
            try RunConfiguration(yaml: Minimal.yaml, overrides: overrides)
        }
        #expect(error?.description.hasPrefix("--set ") == true)
        #expect(error?.description.contains(remedy) == true)
    }

    @Test(
        "factors that are averaged one by one may travel as changes",
        arguments: ["separate", "ffa-lora", "rolora", "fed-sb", "fedsa"])
    func linear(_ aggregation: String) throws {
        let settings = ["compression.downlink=int8", "federation.aggregation=\(aggregation)"]
        let run = try RunConfiguration(
            yaml: Minimal.yaml, overrides: settings + (aggregation == "fedsa" ? ["evaluation.source=workers"] : []))
        #expect(run.compression.downlink == CodecName("int8"))
    }

    @Test("every codec may be named")
    func accepted() throws {
        for codec in ["bfloat16", "eden:bits=3", "trellis:bits=0.25", "ternary:density=0.1", "topk:density=0.1"] {
            let run = try RunConfiguration(yaml: Minimal.yaml, overrides: ["compression.downlink=\(codec)"])
            #expect(run.compression.downlink == CodecName(codec))
        }
    }
}
