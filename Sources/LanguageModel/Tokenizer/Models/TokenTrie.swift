/// A vocabulary's tokens by their bytes, to find those that a text continues with.
///
/// The edges of all nodes lie in one open-addressing table; a node is a number, 0 the root.
struct TokenTrie {
    static let root: UInt32 = 0
    /// Nodes are numbered in 28 bits, so that an edge with both its ends fits a word.
    private static let largestSize = 1 << 28
    private static let free = UInt64.max

    /// From the top: the parent node (28 bits), the byte (8), the child (28).
    private var edges: [UInt64]
    private let shift: UInt64
    /// By node, the id of the token that ends there; -1 for none.
    private var ids: [Int32] = [-1]

    /// Nil if the tokens are too long together, a quarter of a gigabyte.
    init?(_ vocabulary: Vocabulary) {
        var size = 0
        vocabulary.forEach { text, _ in size += text.count }
        guard size < Self.largestSize else { return nil }
        // Most tokens share their beginnings; the table grows if these do not.
        var bits: UInt64 = 4
        while 1 << bits < size * 2 { bits += 1 }
        edges = [UInt64](repeating: Self.free, count: 1 << bits)
        shift = 64 - bits
        var edges = edges
        var ids = ids
        vocabulary.forEach { text, id in
            var node = Self.root
            for byte in text {
                let slot = Self.slot(node, byte, in: edges, shift: shift)
                if edges[slot] == Self.free {
                    edges[slot] = Self.key(node, byte) << 28 | UInt64(ids.count)
                    ids.append(-1)
                }
                node = UInt32(truncatingIfNeeded: edges[slot]) & 0xFFF_FFFF
            }
            ids[Int(node)] = id
        }
        self.edges = edges
        self.ids = ids
    }

    /// The node that `byte` leads to from `node`, or nil.
    @inline(__always)
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let edge = edges[Self.slot(node, byte, in: edges, shift: shift)]
        return edge == Self.free ? nil : UInt32(truncatingIfNeeded: edge) & 0xFFF_FFFF
    }

    /// The id of the token that ends at `node`; -1 for none.
    @inline(__always)
    func id(at node: UInt32) -> Int32 { ids[Int(node)] }

    /// The node that `text` leads to from the root, or nil.
    func node(of text: [UInt8]) -> UInt32? {
        var node = Self.root
        for byte in text {
            guard let child = child(of: node, byte) else { return nil }
            node = child
        }
        return node
    }

    @inline(__always)
    private static func key(_ node: UInt32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }

    /// Where the edge is, or where it would be put.
    @inline(__always)
    private static func slot(_ node: UInt32, _ byte: UInt8, in edges: [UInt64], shift: UInt64) -> Int {
        let key = key(node, byte)
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while edges[slot] != free && edges[slot] >> 28 != key { slot = (slot + 1) & (edges.count - 1) }
        return slot
    }
}
