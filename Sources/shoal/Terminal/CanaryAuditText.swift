import Auditing

extension CanaryAudit {
    /// The audit for people.
    var lines: [String] {
        var table = TextTable(alignment: .left)
        table.add(
            "canaries",
            "\(inserted) inserted, \(leftOut) left out (each a\(unit == .worker ? "" : "n") \(unit.rawValue))")
        table.add("loss", "\(Quantity.loss(lossInserted)) inserted, \(Quantity.loss(lossLeftOut)) left out")
        table.add(
            "exposure",
            "mean \(Quantity.fixed(exposureMean, digits: 2)), highest \(Quantity.fixed(exposureMax, digits: 2)) of "
                + "\(Quantity.fixed(exposureLimit, digits: 2)) bits")
        table.add(
            "telling them apart",
            "AUC \(Quantity.fixed(auc, digits: 4)), TPR \(AuditNote.rate(tprAt1Percent)) at 1 % and "
                + "\(AuditNote.rate(tprAtTenthPercent)) at 0.1 % FPR")
        if let reason = AuditNote.unresolved(others: leftOut) { table.add("", reason) }
        table.add(
            "epsilon, at least",
            "\(Quantity.fixed(epsilonLower, digits: 3)) (\(correct) of \(guesses) guesses right, delta \(delta), confidence "
                + "\(confidence))")
        table.add("epsilon, accountant", epsilonUpper.map { Quantity.fixed($0, digits: 3) } ?? "no promise is made")
        return table.lines
    }
}
