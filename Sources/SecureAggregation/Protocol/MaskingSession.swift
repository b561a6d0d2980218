internal import Crypto
internal import FoundationEssentials

/// An attempt whose keys are fixed: what all masks, shares and survivor signatures are bound to.
package struct MaskingSession: Hashable, Sendable {
    let context: MaskingContext
    /// Workers whose keys are in the roster.
    let cohort: Int
    package let degree: MaskingDegree
    /// ``RosterTree/root`` over all signed keys, 32 bytes.
    let root: [UInt8]

    package init(context: MaskingContext, cohort: Int, degree: MaskingDegree, root: [UInt8]) {
        self.context = context
        self.cohort = cohort
        self.degree = degree
        self.root = root
    }

    func bytes(_ label: String) -> ByteWriter {
        var writer = context.bytes(label)
        writer.append(UInt32(cohort))
        writer.append(UInt32(degree.neighbours))
        writer.append(UInt32(degree.threshold))
        writer.append(fixed: root)
        return writer
    }

    var graph: MaskingGraph {
        MaskingGraph(
            cohort: cohort, degree: degree.neighbours, seed: Array(SHA256.hash(data: bytes("mask graph").bytes)))
    }

    /// The point of Shamir's polynomials where the worker at `position` holds its shares.
    package static func point(of position: Int) -> UInt32 { UInt32(position) + 1 }

    /// The key of the mask stream that two neighbours share; the one at the lower position adds it, the other one
    /// subtracts.
    ///
    /// - Returns: `nil` for a public key that agrees on nothing.
    func pairSeed(of key: AgreementKey, at position: Int, with other: [UInt8], at otherPosition: Int) -> [UInt8]? {
        var use = bytes("pair mask")
        use.append(UInt32(min(position, otherPosition)))
        use.append(UInt32(max(position, otherPosition)))
        return key.shared(with: other, for: use.bytes)
    }

    /// The key of the stream of a worker's own mask.
    package func selfMaskKey(_ selfSeed: [UInt8], at position: Int) -> [UInt8] {
        var use = bytes("self mask")
        use.append(UInt32(position))
        return Derivation.bytes(from: SymmetricKey(data: selfSeed), for: use.bytes)
    }

    /// Binds a worker to its self seed without telling it: the seed has 256 random bits.
    func commitment(to selfSeed: [UInt8], at position: Int) -> [UInt8] {
        var use = bytes("self seed commitment")
        use.append(UInt32(position))
        return Array(SHA256.hash(data: use.bytes + selfSeed))
    }
}
