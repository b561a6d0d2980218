/// Series of points over one axis.
struct LinePlot {
    struct Series {
        let style: String
        let name: String
        /// Ascending by x; gaps are left out.
        let points: [(x: Double, y: Double)]
        /// Of each point, for the band around the line; empty for none.
        var errors: [Double] = []
    }

    struct Mark {
        let x: Double
        /// `nil`: it is not finite, and stands at the top.
        let y: Double?
        let tip: String
    }

    let identifier: String
    let title: String
    let summary: String
    let xLabel: String
    let yLabel: String
    let series: [Series]
    /// A level that the points are to be seen against.
    var level: (name: String, value: Double)?
    var marks: (name: String, points: [Mark])?
    var isWholeX = false
    var includesZero = false

    func figure(table: Markup?) -> Markup {
        let shown = series.filter { !$0.points.isEmpty }
        let points = shown.flatMap(\.points)
        let marked = marks?.points ?? []
        let x = Scale(points.map(\.x) + marked.map(\.x), includesZero: !isWholeX, steps: 5, isWhole: isWholeX)
        let y = Scale(
            points.map(\.y) + marked.compactMap(\.y) + (level.map { [$0.value] } ?? []), includesZero: includesZero)
        var plot = Plot(identifier, title: title, summary: summary)
        plot.frame(x: x, y: y, xLabel: xLabel, yLabel: yLabel)
        if let level {
            let at = Plot.y(y.place(level.value))
            plot.line("level", Plot.left, at, Plot.width - Plot.right, at)
        }
        for series in shown {
            let placed = series.points.map { (x: Plot.x(x.place($0.x)), y: Plot.y(y.place($0.y))) }
            if series.errors.count == placed.count, series.errors.allSatisfy(\.isFinite) {
                let upper = zip(series.points, series.errors).map { Plot.y(min(1, y.place($0.y + $1))) }
                let lower = zip(series.points, series.errors).map { Plot.y(max(0, y.place($0.y - $1))) }
                let band =
                    zip(placed, upper).map { ($0.x, $1) } + zip(placed, lower).map { ($0.x, $1) }.reversed()
                plot.path("band " + series.style, band, isClosed: true)
            }
            plot.path(series.style, placed)
            // Many dots only hide the line.
            guard placed.count <= 60 else { continue }
            for (place, point) in zip(placed, series.points) {
                plot.dot(
                    "dot " + series.style, place.x, place.y,
                    tip: "\(series.name): \(ReadableNumber.loss(point.y)) at \(ReadableNumber.fixed(point.x, x.digits))"
                )
            }
        }
        for mark in marked {
            plot.cross("cross", Plot.x(x.place(mark.x)), Plot.y(mark.y.map { y.place($0) } ?? 1), tip: mark.tip)
        }
        var key = shown.map { (style: $0.style, name: $0.name) }
        if let level { key.append(("level", level.name)) }
        if let marks, !marks.points.isEmpty { key.append(("cross", marks.name)) }
        return plot.figure(key: key.count > 1 ? key : [], table: table)
    }
}
