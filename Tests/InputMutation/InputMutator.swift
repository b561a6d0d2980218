import Randomness

/// Damages sound inputs the way a stranger might: the same inputs in every run.
public struct InputMutator: Sendable {
    private var random: CounterRandom
    private let sound: [[UInt8]]
    private var nextSound = 0

    /// Numbers at which readers of sizes and of text tend to go wrong.
    private static let edges: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x5B, 0x5C, 0x7B, 0x39]
    /// Counts that no reader may believe, as text writes them.
    private static let numbers = [
        "-1", "0", "4294967296", "9223372036854775807", "18446744073709551615", "1e308", "1e999", "-0.0", "null",
    ].map { Array($0.utf8) }

    /// - Parameters:
    ///   - sound: What a reader takes; at least one input.
    ///   - key: Selects the damage.
    public init(_ sound: [[UInt8]], key: UInt64) {
        precondition(!sound.isEmpty, "nothing to damage")
        self.sound = sound
        random = CounterRandom(key: key)
    }

    /// The next input: one of the sound ones, in turn, with one to four damages; now and then bytes of chance alone.
    public mutating func next() -> [UInt8] {
        let base = sound[nextSound % sound.count]
        nextSound += 1
        guard random.index(below: 16) > 0 else { return noise(random.index(below: base.count + 40)) }
        var bytes = base
        for _ in 0...random.index(below: 4) { damage(&bytes) }
        return bytes
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let place = random.index(below: bytes.count + 1)
        switch random.index(below: 10) {
        case 0 where place < bytes.count: bytes[place] = byte()
        case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.index(below: 8))
        case 2 where place < bytes.count: bytes[place] = Self.edges[random.index(below: Self.edges.count)]
        case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.index(below: 9)))
        case 4: bytes.insert(byte(), at: place)
        case 5: bytes.removeLast(min(bytes.count, 1 + random.index(below: 200)))
        case 6: bytes += noise(1 + random.index(below: 150))
        case 7: replaceNumber(&bytes, from: place)
        case 8:
            // A piece of its own or of another input: whole fields in the wrong place.
            let other = sound[random.index(below: sound.count)]
            let start = random.index(below: other.count + 1)
            bytes.insert(contentsOf: other[start...].prefix(1 + random.index(below: 40)), at: place)
        default:
            // Four or eight bytes that say a very large number.
            let width = random.index(below: 2) == 0 ? 4 : 8
            guard place + width <= bytes.count else { return }
            for index in place..<(place + width) { bytes[index] = 0xFF }
            bytes[place + width - 1] = Self.edges[random.index(below: 5)]
        }
    }

    /// Puts an edge number where the next digits stand.
    private mutating func replaceNumber(_ bytes: inout [UInt8], from place: Int) {
        let isDigit = { (byte: UInt8) in (0x30...0x39).contains(byte) }
        guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
        let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
        bytes.replaceSubrange(start..<end, with: Self.numbers[random.index(below: Self.numbers.count)])
    }

    private mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: random.next()) }

    private mutating func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
}
