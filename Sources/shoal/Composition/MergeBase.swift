import Coordinator
import LanguageModel
import ModelFiles

/// The model that an adapter is merged into: the run's own base model, or the one that its quantised copy was made from.
struct MergeBase {
    let path: String
    let identity: ContentHash

    /// - Parameter model: A Hugging Face directory, or `built-in`.
    /// - Throws: For another model: its card would tell of a training that it never had.
    init(_ model: String, of provenance: RunProvenance) throws {
        path = try BuiltInModel.resolve(model)
        guard try ModelConfiguration(path: path + "/config.json").quantisation == nil else {
            throw ModelMergingError.quantisedBase(directory: path)
        }
        identity = try ModelManifest(directory: path).identity
        let trained = provenance.run.baseModel
        guard identity != trained, try !Self.isQuantised(provenance.basePath, trained) else { return }
        throw CommandFailure.badInput(
            "--merge: \(model) has the identity \(identity), and the run's base model has \(trained); give the folder "
                + "that the run was started with")
    }

    /// Whether the run's base model is there and quantised: nothing can be merged into that, and only its owner knows what
    /// it was made from.
    private static func isQuantised(_ model: String?, _ identity: ContentHash) throws -> Bool {
        guard let model, let path = try? BuiltInModel.resolve(model),
            (try? ModelManifest(directory: path))?.identity == identity
        else { return false }
        return try ModelConfiguration(path: path + "/config.json").quantisation != nil
    }
}
