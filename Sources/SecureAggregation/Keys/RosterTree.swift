internal import Crypto
internal import FoundationEssentials

/// The Merkle tree over all keys of an attempt (RFC 9162, section 2.1), so that a worker that is shown its neighbours'
/// keys alone knows that they are part of the one list everybody's graph is made from.
package struct RosterTree {
    package static let hashBytes = 32

    private let leafCount: Int
    /// Of every part of the tree.
    private var hashes: [Range<Int>: [UInt8]] = [:]

    /// - Parameter entries: The signed keys' bytes in roster order, at least one.
    package init(entries: [[UInt8]]) {
        leafCount = entries.count
        _ = fill(0..<entries.count, entries)
    }

    package var root: [UInt8] { hash(0..<leafCount) }

    /// The hashes that ``root(of:count:proof:)`` needs beside these leaves: one for each largest part of the tree that
    /// holds none of them, from left to right. Many leaves share most of their way up, so this is far less than a path
    /// for each.
    ///
    /// - Parameter positions: Ascending, each once.
    package func proof(of positions: [Int]) -> [[UInt8]] {
        var hashes: [[UInt8]] = []
        collect(0..<leafCount, positions[...], into: &hashes)
        return hashes
    }

    /// The root over `count` leaves of which some are known.
    ///
    /// - Parameters:
    ///   - known: Position and entry, ascending by position.
    ///   - proof: What ``proof(of:)`` gave.
    /// - Returns: `nil` if the proof has too few or too many hashes.
    package static func root(of known: [(position: Int, entry: [UInt8])], count: Int, proof: [[UInt8]]) -> [UInt8]? {
        var rest = proof[...]
        let leaves = known.map { (position: $0.position, hash: leaf($0.entry)) }
        guard let root = root(of: leaves[...], in: 0..<count, proof: &rest), rest.isEmpty else { return nil }
        return root
    }

    private static func root(
        of known: ArraySlice<(position: Int, hash: [UInt8])>, in range: Range<Int>, proof: inout ArraySlice<[UInt8]>
    ) -> [UInt8]? {
        guard let first = known.first else { return proof.popFirst() }
        if range.count == 1 { return first.hash }
        let middle = split(range)
        guard let left = root(of: known.prefix { $0.position < middle }, in: range.lowerBound..<middle, proof: &proof),
            let right = root(
                of: known.drop { $0.position < middle }, in: middle..<range.upperBound, proof: &proof)
        else { return nil }
        return node(left, right)
    }

    private func collect(_ range: Range<Int>, _ wanted: ArraySlice<Int>, into hashes: inout [[UInt8]]) {
        if wanted.isEmpty { return hashes.append(hash(range)) }
        guard range.count > 1 else { return }
        let middle = Self.split(range)
        collect(range.lowerBound..<middle, wanted.prefix { $0 < middle }, into: &hashes)
        collect(middle..<range.upperBound, wanted.drop { $0 < middle }, into: &hashes)
    }

    private func hash(_ range: Range<Int>) -> [UInt8] {
        guard let hash = hashes[range] else { preconditionFailure("\(range) is no part of the tree") }
        return hash
    }

    private mutating func fill(_ range: Range<Int>, _ entries: [[UInt8]]) -> [UInt8] {
        let hash: [UInt8]
        if range.count == 1 {
            hash = Self.leaf(entries[range.lowerBound])
        } else {
            let middle = Self.split(range)
            let left = fill(range.lowerBound..<middle, entries)
            hash = Self.node(left, fill(middle..<range.upperBound, entries))
        }
        hashes[range] = hash
        return hash
    }

    /// Left of it lies the largest power of two below the count.
    private static func split(_ range: Range<Int>) -> Int {
        range.lowerBound + 1 << (Int.bitWidth - 1 - (range.count - 1).leadingZeroBitCount)
    }

    private static func leaf(_ entry: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: [0] + entry)) }

    private static func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: [1] + left + right))
    }
}
