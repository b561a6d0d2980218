import Foundation
import LanguageModel

/// Where files go that can be made again: the built-in model, converted weights, benchmark models.
enum CacheFolder {
    /// `$SHOAL_CACHE`, else `shoal` in the user's cache folder.
    static var path: String {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["SHOAL_CACHE"], folder.hasPrefix("/") { return folder }
        if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return cache + "/shoal" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/shoal" }
        return NSTemporaryDirectory() + "/shoal"
    }

    /// - Parameter warning: Told why converted weights cannot be kept.
    static func weights(warning: @escaping @Sendable (String) -> Void) -> WeightCache {
        WeightCache(folder: path, warning: warning)
    }
}
