import BuiltIn
import Foundation
import ModelFiles

/// The base model inside this program, unpacked for those who name it `built-in`.
enum BuiltInModel {
    static let name = "built-in"

    /// The directory behind a model's name: itself, or where the built-in model was unpacked.
    static func resolve(_ path: String) throws -> String {
        guard path == name else { return path }
        // Named by its content, so that another release's model never stands in its place.
        let directory = "\(cacheDirectory)/shoal/built-in-\(String(BuiltIn.contentHash.description.prefix(16)))"
        try BuiltIn.writeModel(to: directory)
        return directory
    }

    private static var cacheDirectory: String {
        let environment = ProcessInfo.processInfo.environment
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache" }
        return NSTemporaryDirectory()
    }
}
