import FoundationEssentials

/// Calendar time for people: ISO 8601 in UTC.
public enum CalendarTime {
    /// - Parameter seconds: Since 1970.
    public static func text(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}
