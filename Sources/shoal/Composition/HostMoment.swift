import Foundation
import Worker

/// This machine's local time and power, for an owner's policy.
enum HostMoment {
    static func now() -> OwnerMoment {
        // The zone may change while a worker lives.
        tzset()
        var (seconds, local) = (time(nil), tm())
        localtime_r(&seconds, &local)
        return OwnerMoment(
            minute: 60 * Int(local.tm_hour) + Int(local.tm_min), isOnMains: PowerSupply().isOnMains)
    }
}
