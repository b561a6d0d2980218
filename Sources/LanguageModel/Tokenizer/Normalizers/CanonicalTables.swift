import Foundation

/// Canonical decompositions, compositions and combining classes of Unicode 9, the version that `tokenizers` has.
///
/// To Unicode 9 a later scalar is unassigned: it neither decomposes, composes nor moves. Canonical mappings never change
/// once assigned, so newer tables, filtered by age, give the same. `Foundation` is asked about single scalars only: over
/// whole strings, its composition on Linux mistakes scalars beyond U+FFFF for those of their low 16 bits.
struct CanonicalTables {
    /// Built on first use, in some tens of milliseconds.
    static let shared = CanonicalTables()

    /// Full decompositions, Hangul syllables left out.
    private var decompositions: [UInt32: [UInt32]] = [:]
    /// By first scalar (above) and second scalar (below), Hangul left out.
    private var compositions: [UInt64: UInt32] = [:]
    /// Combining classes of the first two planes; no scalar beyond has one but 0.
    private let classes: [UInt8]

    /// Where canonical decompositions are.
    private static let candidates: [ClosedRange<UInt32>] = [
        0xC0...0x30FF, 0xF900...0xFB4F, 0x11000...0x11FFF, 0x1D100...0x1D1FF, 0x2F800...0x2FA1F,
    ]

    private init() {
        classes = (UInt32(0)..<0x20000).map { value in
            guard value >= 0x300, let scalar = Unicode.Scalar(value) else { return 0 }
            let combiningClass = scalar.properties.canonicalCombiningClass.rawValue
            return combiningClass != 0 && scalar.isAssigned(inUnicode: 9, 0) ? combiningClass : 0
        }
        var composites: [Unicode.Scalar] = []
        for value in Self.candidates.joined() {
            guard let scalar = Unicode.Scalar(value), scalar.isAssigned(inUnicode: 9, 0) else { continue }
            let decomposed = String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars.map(\.value)
            if decomposed == [value] { continue }
            decompositions[value] = decomposed
            if !scalar.properties.isFullCompositionExclusion { composites.append(scalar) }
        }
        // What a composite is composed of: whatever all but its last scalar compose to, and that last scalar.
        let byDecomposition = Dictionary(
            composites.compactMap { scalar in decompositions[scalar.value].map { ($0, scalar.value) } },
            uniquingKeysWith: { first, _ in first })
        for (decomposed, composite) in byDecomposition {
            guard let last = decomposed.last else { continue }
            let front = Array(decomposed.dropLast())
            guard let first = front.count == 1 ? front[0] : byDecomposition[front] else { continue }
            compositions[UInt64(first) << 32 | UInt64(last)] = composite
        }
    }

    func combiningClass(_ scalar: UInt32) -> UInt8 {
        Int(scalar) < classes.count ? classes[Int(scalar)] : 0
    }

    /// Appends the full canonical decomposition of `scalar`.
    func appendDecomposition(of scalar: UInt32, to result: inout [UInt32]) {
        if scalar < 0xC0 {
            result.append(scalar)
        } else if let syllable = Hangul.decompose(scalar) {
            result.append(syllable.leading)
            result.append(syllable.vowel)
            if let trailing = syllable.trailing { result.append(trailing) }
        } else if let decomposition = decompositions[scalar] {
            result.append(contentsOf: decomposition)
        } else {
            result.append(scalar)
        }
    }

    /// Sorts runs of combining marks by class, those of one class keeping their order.
    func sortMarks(_ scalars: inout [UInt32]) {
        var index = 0
        while index < scalars.count {
            guard combiningClass(scalars[index]) != 0 else {
                index += 1
                continue
            }
            let start = index
            while index < scalars.count && combiningClass(scalars[index]) != 0 { index += 1 }
            if index - start > 1 {
                let marks = scalars[start..<index].enumerated().map {
                    (key: Int(combiningClass($0.element)) << 40 | $0.offset, scalar: $0.element)
                }
                scalars.replaceSubrange(start..<index, with: marks.sorted { $0.key < $1.key }.map(\.scalar))
            }
        }
    }

    /// What two scalars compose to, or nil.
    func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        // Nothing below U+0300 is the second part of a composite.
        if second < 0x300 { return nil }
        return Hangul.compose(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
    }
}

/// Hangul syllables compose by arithmetic (The Unicode Standard, section 3.12).
private enum Hangul {
    static let syllables: UInt32 = 0xAC00
    static let leadings: UInt32 = 0x1100
    static let vowels: UInt32 = 0x1161
    /// One before the first trailing consonant: index 0 means none.
    static let trailings: UInt32 = 0x11A7
    static let leadingCount: UInt32 = 19
    static let vowelCount: UInt32 = 21
    static let trailingCount: UInt32 = 28
    static let syllableCount = leadingCount * vowelCount * trailingCount

    static func decompose(_ scalar: UInt32) -> (leading: UInt32, vowel: UInt32, trailing: UInt32?)? {
        guard scalar >= syllables, scalar < syllables + syllableCount else { return nil }
        let index = scalar - syllables
        let trailing = index % trailingCount
        return (
            leadings + index / (vowelCount * trailingCount), vowels + index / trailingCount % vowelCount,
            trailing == 0 ? nil : trailings + trailing
        )
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if first >= leadings, first < leadings + leadingCount, second >= vowels, second < vowels + vowelCount {
            return syllables + ((first - leadings) * vowelCount + second - vowels) * trailingCount
        }
        guard first >= syllables, first < syllables + syllableCount, (first - syllables) % trailingCount == 0,
            second > trailings, second < trailings + trailingCount
        else { return nil }
        return first + second - trailings
    }
}
