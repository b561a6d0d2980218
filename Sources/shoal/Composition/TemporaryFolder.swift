import Foundation
import ModelFiles

/// A new folder that nobody else can have prepared or can read.
enum TemporaryFolder {
    static func create(prefix: String, in folder: String = NSTemporaryDirectory()) throws -> String {
        var path = folder
        while path.hasSuffix("/") { path.removeLast() }
        var template = Array("\(path)/\(prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FileError.last("create a folder in", path) }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
