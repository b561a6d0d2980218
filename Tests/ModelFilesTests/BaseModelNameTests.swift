import ModelFiles
import Testing

@Suite("What a base model is called outside its machine")
struct BaseModelNameTests {
    @Test(
        arguments: [
            // The folder, where nothing says more.
            ("/home/ada/models/smollm2-135m", nil, "smollm2-135m"), ("/data/m/", nil, "m"),
            ("built-in", nil, "built-in"),
            ("/data/models/tuned/.", nil, "tuned"), ("/data/models/tuned/../other", nil, "other"),
            ("/", nil, "unknown"),
            // What its configuration says, where that is a repository and no path.
            ("/data/m", "HuggingFaceTB/SmolLM2-135M", "HuggingFaceTB/SmolLM2-135M"),
            ("/data/m", "/home/ada/models/x", "m"), ("/data/m", "../models/x", "m"), ("/data/m", "./x", "m"),
            ("/data/m", "~/x", "m"), ("/data/m", "a/b/c", "m"), ("/data/m", "x", "m"), ("/data/m", "", "m"),
            ("/data/m", "C:\\models/x", "m"), ("/data/m", "a /b", "m"),
            // The Hub's cache, whose last folder is a commit.
            (
                "/home/ada/.cache/huggingface/hub/models--Qwen--Qwen3-0.6B/snapshots/c1899de289a04d12", "/scratch/out",
                "Qwen/Qwen3-0.6B"
            ),
            ("/hub/models--gpt2/snapshots/607a30d783dfa663", nil, "gpt2"),
        ] as [(String, String?, String)])
    func name(_ folder: String, _ configured: String?, _ expected: String) {
        #expect(BaseModelName.forOthers(folder: folder, configured: configured) == expected)
    }
}
