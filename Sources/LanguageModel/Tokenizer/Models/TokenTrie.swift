/// A vocabulary's tokens by their bytes, to find those that a text continues with.
///
/// The edges of all nodes lie in one open-addressing table; a node is a number, 0 the root.
struct TokenTrie {
    static let root: UInt32 = 0
    /// Nodes are numbered in 28 bits, so that an edge with both its ends fits a word.
    private static let largestSize = 1 << 28
    private static let free = UInt64.max

    /// From the top: the parent node (28 bits), the byte (8), the child (28).
    private var edges = [UInt64](repeating: free, count: 1 << 10)
    /// 64 less the number of bits in an index of `edges`.
    private var shift: UInt64 = 54
    /// By node, the id of the token that ends there; -1 for none.
    private var ids: [Int32] = [-1]

    /// Nil if the tokens are too long together, a quarter of a gigabyte.
    init?(_ vocabulary: Vocabulary) {
        var size = 0
        vocabulary.forEach { text, _ in size += text.count }
        guard size < Self.largestSize else { return nil }
        var trie = TokenTrie()
        vocabulary.forEach { trie.insert($0, $1) }
        self = trie
    }

    private init() {}

    private mutating func insert(_ text: [UInt8], _ id: Int32) {
        var node = Self.root
        for byte in text {
            if let child = child(of: node, byte) {
                node = child
                continue
            }
            if ids.count * 2 > edges.count { grow() }
            let child = UInt64(ids.count)
            edges[slot(of: Self.key(node, byte))] = Self.key(node, byte) << 28 | child
            ids.append(-1)
            node = UInt32(child)
        }
        ids[Int(node)] = id
    }

    private mutating func grow() {
        let old = edges
        edges = [UInt64](repeating: Self.free, count: old.count * 2)
        shift -= 1
        for edge in old where edge != Self.free { edges[slot(of: edge >> 28)] = edge }
    }

    /// The node that `byte` leads to from `node`, or nil.
    @inline(__always)
    func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
        let edge = edges[slot(of: Self.key(node, byte))]
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

    /// Where the edge with this key is, or where it would be put.
    @inline(__always)
    private func slot(of key: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while edges[slot] != Self.free && edges[slot] >> 28 != key { slot = (slot + 1) & (edges.count - 1) }
        return slot
    }
}
