extension AdapterTargeting {
    /// PEFT's way to shorten a long list of targets (`_find_minimal_target_modules`): ends of the names, after a dot,
    /// that none of the other modules has.
    ///
    /// - Parameter others: Layers that are no targets; the modules that hold layers of either kind are added to them.
    /// - Returns: Sorted; a set that selects all names and none of the others.
    public static func shortestEndings(of names: [String], apartFrom others: [String]) -> [String] {
        var taken = Set<String>()
        for module in Set(others).union((names + others).flatMap(parents)) { taken.formUnion(endings(module)) }
        let ordered = names.map { (name: $0, endings: endings($0)) }.sorted { left, right in
            left.endings.lexicographicallyPrecedes(right.endings) { precedes($0, $1) }
        }
        var chosen = Set<String>()
        for (name, endings) in ordered {
            for ending in endings where !chosen.contains(ending) && !taken.contains(ending) {
                guard !chosen.contains(where: { name.hasSuffix("." + $0) }) else { continue }
                chosen.insert(ending)
                break
            }
        }
        return (chosen.isEmpty ? names : Array(chosen)).sorted(by: precedes)
    }

    /// `a.b.c` gives `c`, `b.c` and `a.b.c`.
    private static func endings(_ name: String) -> [String] {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return (0..<parts.count).reversed().map { parts[$0...].joined(separator: ".") }
    }

    /// `a.b.c` gives `a` and `a.b`.
    private static func parents(_ name: String) -> [String] {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return (1..<max(parts.count, 1)).map { parts[..<$0].joined(separator: ".") }
    }

    /// Python's order of strings: by code point.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
    }
}
