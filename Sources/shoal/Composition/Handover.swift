/// Carries a value to the one thread that will use it from then on.
///
/// `@unchecked Sendable`: the giver makes the value, gives it away whole and does not touch it again; the hand-over
/// itself (starting a thread, posting a closure) orders the two.
struct Handover<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
