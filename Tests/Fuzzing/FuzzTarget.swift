/// Everything that reads bytes from outside, by the name that `deploy/fuzz.sh` takes: libFuzzer looks for inputs by
/// itself, the test suite gives each a fixed number.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// Protobuf envelopes.
    case envelope
    /// Uploaded updates, a target for each codec.
    case dense
    case bfloat16
    case int8
    case eden
    case ternary
    case topk
    case trellis
    /// The entropy coder below them.
    case rans
    /// Downlink changes.
    case changes
    /// Codecs as people and offers name them.
    case codecName
    /// Chunks of a download, in memory and into a file.
    case download
    /// Safetensors files, adapter objects.
    case safetensors
    /// The list of shards of a checkpoint.
    case shards
    /// A PEFT folder's `adapter_config.json`, patterns included.
    case adapter
    /// Class names beside an adapter.
    case labels
    /// The list of a base model's files.
    case manifest
    /// `config.json`, and a model built from it.
    case model
    /// `tokenizer.json`.
    case tokenizer
    /// `tokenizer_config.json` and the chat template in it.
    case chat
    /// The JSON reader below most of them.
    case json
    /// Run files, their overrides and canonical forms.
    case runfile
    /// Rows of `.jsonl`, `.csv` and `.txt`.
    case rows
    /// Join files and key files.
    case keys

    /// Gives an input to the reader and returns whether it was taken.
    ///
    /// A reader's typed error is a fine answer. A trap, a sanitizer's finding, a hang or memory without bound is not,
    /// nor a ``Contradiction``.
    public typealias Reader = ([UInt8]) throws -> Bool

    /// The reader, with the files it needs. It belongs to one thread at a time.
    public func reader() throws -> Reader {
        switch self {
        case .envelope: EnvelopeFuzzing.read
        case .dense, .bfloat16, .int8, .eden, .ternary, .topk, .trellis: try CodecFuzzing(of: rawValue).reader()
        case .rans: try RANSFuzzing.reader()
        case .changes: ChangesFuzzing.read
        case .codecName: ChangesFuzzing.readName
        case .download: try DownloadFuzzing.reader()
        case .safetensors: AdapterFuzzing.readSafetensors
        case .shards: try CheckpointFuzzing.reader()
        case .adapter: try AdapterFuzzing.reader()
        case .labels: try AdapterFuzzing.labelsReader()
        case .manifest: AdapterFuzzing.readManifest
        case .model: try ModelFuzzing.reader()
        case .tokenizer: TokenizerFuzzing.read
        case .chat: try TokenizerFuzzing.chatReader()
        case .json: AdapterFuzzing.readJSON
        case .runfile: RunFileFuzzing.read
        case .rows: try RowFuzzing.reader()
        case .keys: try KeyFuzzing.reader()
        }
    }

    /// Inputs that the reader takes, small, made by encoders or from fixtures.
    public func seeds() throws -> [[UInt8]] {
        switch self {
        case .envelope: try EnvelopeFuzzing.seeds()
        case .dense, .bfloat16, .int8, .eden, .ternary, .topk, .trellis: CodecFuzzing(of: rawValue).seeds()
        case .rans: RANSFuzzing.seeds()
        case .changes: try ChangesFuzzing.seeds()
        case .codecName: ChangesFuzzing.names
        case .download: DownloadFuzzing.seeds()
        case .safetensors: AdapterFuzzing.safetensorsSeeds()
        case .shards: CheckpointFuzzing.seeds()
        case .adapter: AdapterFuzzing.seeds()
        case .labels: AdapterFuzzing.labelsSeeds
        case .manifest: AdapterFuzzing.manifestSeeds()
        case .model: try ModelFuzzing.seeds()
        case .tokenizer: TokenizerFuzzing.seeds
        case .chat: TokenizerFuzzing.chatSeeds
        case .json: AdapterFuzzing.jsonSeeds
        case .runfile: try RunFileFuzzing.seeds()
        case .rows: RowFuzzing.seeds()
        case .keys: KeyFuzzing.seeds()
        }
    }
}

/// An answer of a reader that is not true, or not true together with another one.
public struct Contradiction: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// - Throws: ``Contradiction`` unless it holds.
func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
    if !holds { throw Contradiction(otherwise()) }
}
