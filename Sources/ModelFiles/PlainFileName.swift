/// Whether a name from a stranger may be joined to one of our folders: letters, digits, `.`, `_`, `-`; no leading dot.
///
/// Leaves out slashes, `..`, hidden files and everything that a shell, a URL or a terminal would read as more than a
/// name. At most 255 bytes, the limit of Linux file systems.
package func isPlainFileName(_ name: String) -> Bool {
    guard (1...255).contains(name.utf8.count), name.utf8.first != UInt8(ascii: ".") else { return false }
    return name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
