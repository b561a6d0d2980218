import RunFile
import Wire

extension Heartbeat.Phase {
    /// As it is counted and shown.
    var label: String {
        switch self {
        case .idle: "idle"
        case .downloading: "downloading"
        case .training: "training"
        case .evaluating: "evaluating"
        case .uploading: "uploading"
        }
    }
}

extension ModelSource {
    /// As the run file names it.
    var label: String {
        switch self {
        case .builtIn: "built-in"
        case .directory(let path): path
        }
    }
}
