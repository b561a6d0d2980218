import FineTuning
import LanguageModel
import Recipe
import Serving

/// The lines above what `shoal serve` logs: what answers, and how.
enum ServeHeader {
    static func lines(
        _ base: PretrainedModel, _ models: ServedModels, _ encoder: PromptEncoder,
        _ precision: TrainingOptions.Precision
    ) -> [String] {
        let adapters = models.names.dropFirst()
        let chats: String =
            switch encoder.template {
            case .success(let template): "\(template.name.rawValue) template: \(template.reason)"
            case .failure(let error): "refused: \(error)"
            }
        return [
            "model         \(models.base) (\(base.configuration.architecture), \(precision.rawValue), context of "
                + "\(encoder.contextLength) tokens)",
            "adapters      \(adapters.isEmpty ? "none" : adapters.joined(separator: ", "))",
            "chats         \(chats)",
        ]
    }
}
