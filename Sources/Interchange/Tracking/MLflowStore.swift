import ModelFiles

/// A run as a folder of MLflow's file store (`mlruns`).
///
/// MLflow 3 reads the store when `MLFLOW_ALLOW_FILE_STORE=true` is set, and `mlflow migrate-filestore` moves it into a
/// database.
public enum MLflowStore {
    /// Writes the run, or brings it up to date.
    ///
    /// - Parameters:
    ///   - store: The folder that `mlflow ui --backend-store-uri` is given; absolute.
    ///   - experiment: The name of the experiment that holds Shoal's runs.
    /// - Returns: The run's folder.
    @discardableResult
    public static func update(_ run: TrackedRun, in store: String, experiment: String) throws -> String {
        let number = experimentNumber(experiment)
        let root = "\(store)/\(number)"
        if (try? MappedFile(path: root + "/meta.yaml")) == nil {
            try write(
                [
                    ("artifact_location", quoted("file://" + escaped(root))),
                    ("creation_time", "\(1000 * run.startedAt)"),
                    ("experiment_id", quoted(number)), ("last_update_time", "\(1000 * run.startedAt)"),
                    ("lifecycle_stage", "active"), ("name", quoted(experiment)),
                ], to: root + "/meta.yaml")
        }
        let folder = "\(root)/\(run.id)"
        for name in ["artifacts", "metrics", "params", "tags"] {
            try TensorBoardEvents.createFolders(above: "\(folder)/\(name)/x")
        }
        for (name, value) in run.settings { try write(value, to: "\(folder)/params/\(name)") }
        for (name, value) in run.tags + [("mlflow.runName", run.id), ("mlflow.source.type", "JOB")] {
            try write(value, to: "\(folder)/tags/\(name)")
        }
        for (name, metrics) in Dictionary(grouping: run.metrics, by: \.name) {
            let lines = metrics.map { "\(1000 * $0.at) \($0.value) \($0.step)\n" }
            try write(lines.joined(), to: "\(folder)/metrics/\(name)")
        }
        // Last: MLflow takes a folder with this file for a run.
        let (status, end) = ending(run)
        try write(
            [
                ("artifact_uri", quoted("file://" + escaped(folder + "/artifacts"))), ("end_time", end),
                ("entry_point_name", "''"), ("experiment_id", quoted(number)), ("lifecycle_stage", "active"),
                ("run_id", quoted(run.id)), ("run_name", quoted(run.id)), ("run_uuid", quoted(run.id)),
                ("source_name", "shoal"), ("source_type", "2"), ("source_version", "''"),
                ("start_time", "\(1000 * run.startedAt)"), ("status", status), ("tags", "[]"), ("user_id", "shoal"),
            ], to: folder + "/meta.yaml")
        return folder
    }

    /// RunStatus numbers of MLflow's `service.proto`.
    private static func ending(_ run: TrackedRun) -> (status: String, end: String) {
        let end = "\(1000 * (run.newestAt ?? run.startedAt))"
        switch run.status {
        case .running: return ("1", "null")
        case .finished: return ("3", end)
        case .stopped: return ("5", end)
        }
    }

    /// MLflow's own numbers are as long, and random; one name always has one number here.
    package static func experimentNumber(_ name: String) -> String {
        let hash = ContentHash(of: Array("shoal experiment \(name)".utf8)).bytes.prefix(8)
        let number = hash.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } % 900_000_000_000_000_000
        return String(100_000_000_000_000_000 + number)
    }

    private static func write(_ members: [(String, String)], to path: String) throws {
        try write(members.map { "\($0.0): \($0.1)\n" }.joined(), to: path)
    }

    private static func write(_ text: String, to path: String) throws {
        try TensorBoardEvents.createFolders(above: path)
        let bytes = Array(text.utf8)
        // Most of a run's files never change.
        if let file = try? MappedFile(path: path), file.copy() == bytes { return }
        try AtomicFile.write(bytes, to: path)
    }

    /// A YAML scalar in double quotes, which is JSON's string.
    private static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONText.appendString(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A path within a URI (RFC 3986).
    private static func escaped(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return path.utf8.map { byte in
            let scalar = Unicode.Scalar(byte)
            let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
            if isPlain || "/-._~".unicodeScalars.contains(scalar) { return String(Character(scalar)) }
            return "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
    }
}
