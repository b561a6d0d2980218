/// How long something usually takes, by the newest times it took: the median of at most ``countMax``.
public struct UsualTime: Hashable, Sendable {
    public static let countMax = 100

    private var newest: [Double] = []
    private var next = 0

    /// - Parameter seconds: What is known already, oldest first.
    public init(_ seconds: some Sequence<Double> = []) {
        for seconds in seconds { note(seconds) }
    }

    /// Once ``countMax`` are kept, the oldest makes room.
    public mutating func note(_ seconds: Double) {
        if newest.count < Self.countMax {
            newest.append(seconds)
        } else {
            newest[next] = seconds
        }
        next = (next + 1) % Self.countMax
    }

    /// Of an even number the greater of the two in the middle; `nil` before the first. Unit: seconds.
    public var median: Double? { newest.isEmpty ? nil : newest.sorted()[newest.count / 2] }

    /// From when on somebody who still is at it is late: twice the usual time, and no less than `floor`.
    ///
    /// - Returns: `nil` where nothing is known yet. Unit: seconds.
    public func lateAfter(floor: Double) -> Double? { median.map { max(floor, 2 * $0) } }
}
