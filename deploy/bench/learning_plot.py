"""Two panels as SVG: loss against uplink bytes, one point a row, and loss against rounds, one line a row."""
import math
from html import escape

WIDTH, HEIGHT = 560, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 40, 50
COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#999933", "#882255", "#44aa99", "#ddaa33",
           "#117733", "#332288", "#777777"]


class Axes:
    """Places values in a panel whose left upper corner is (x, 0); the horizontal axis is logarithmic on demand."""

    def __init__(self, x, horizontal, vertical, is_logarithmic):
        self.x, self.is_logarithmic = x, is_logarithmic
        self.low, self.high = self.scaled(min(horizontal)), self.scaled(max(horizontal))
        if self.low == self.high:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        margin = (max(vertical) - min(vertical)) * 0.05 or 0.05
        self.bottom, self.top = min(vertical) - margin, max(vertical) + margin

    def scaled(self, value):
        return math.log10(value) if self.is_logarithmic else value

    def place(self, horizontal, vertical):
        share = (self.scaled(horizontal) - self.low) / (self.high - self.low)
        return self.x + LEFT + share * (WIDTH - LEFT - RIGHT), self.height(vertical)

    def height(self, vertical):
        return HEIGHT - BOTTOM - (vertical - self.bottom) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM)

    def frame(self, title, label):
        parts = [f'<text x="{self.x + LEFT}" y="24" font-weight="bold">{escape(title)}</text>',
                 f'<text x="{self.x + LEFT}" y="{HEIGHT - 12}">{escape(label)}</text>']
        for index in range(6):
            vertical = self.bottom + (self.top - self.bottom) * index / 5
            y = self.height(vertical)
            parts.append(f'<line x1="{self.x + LEFT}" x2="{self.x + WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                         'stroke="#dddddd"/>')
            parts.append(f'<text x="{self.x + LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{vertical:.3f}</text>')
        for value in self.ticks():
            x, _ = self.place(value, self.bottom)
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}" '
                         'stroke="black"/>')
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{value:g}</text>')
        return parts

    def ticks(self):
        if self.is_logarithmic:
            powers = range(math.floor(self.low), math.ceil(self.high) + 1)
            values = [factor * 10.0 ** power for power in powers for factor in (1, 2, 5)]
        else:
            step = max(1, math.ceil((self.high - self.low) / 8))
            values = range(math.ceil(self.low), math.floor(self.high) + 1, step)
        return [value for value in values if self.low <= self.scaled(value) <= self.high]


def rows_of(panels, name):
    """[(label, result)] of a table's runs that came to their end."""
    if name not in panels:
        return []
    _, results = panels[name]
    return [(", ".join(part for part in key if part), result) for key, result in results.items()
            if not isinstance(result, str)]


def bytes_panel(x, rows):
    rows = [(label, row) for label, row in rows if row["uplink"] is not None]
    axes = Axes(x, [row["uplink"] / 1e6 for _, row in rows], [row["loss"] for _, row in rows], True)
    parts = axes.frame("Loss against bytes", "uplink of the whole run, MB")
    for index, (label, row) in enumerate(rows):
        px, py = axes.place(row["uplink"] / 1e6, row["loss"])
        colour = COLOURS[index % len(COLOURS)]
        parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{px + 7:.1f}" y="{py - 5:.1f}" fill="{colour}">{escape(label)}</text>')
    return parts


def rounds_panel(x, rows):
    points = [point for _, row in rows for point in row["curve"]]
    axes = Axes(x, [number for number, _ in points], [loss for _, loss in points], False)
    parts = axes.frame("Loss against rounds", "round")
    for index, (label, row) in enumerate(rows):
        colour = COLOURS[index % len(COLOURS)]
        places = " ".join("{:.1f},{:.1f}".format(*axes.place(*point)) for point in row["curve"])
        parts.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        y = TOP + 15 * index + 10
        parts.append(f'<text x="{x + WIDTH - RIGHT + 8}" y="{y}" fill="{colour}">{escape(label)}</text>')
    return parts


def plot(panels):
    """Codecs against bytes and strategies against rounds, or whatever tables there are in their places."""
    by_bytes = rows_of(panels, "codecs") or [row for name in panels for row in rows_of(panels, name)]
    by_rounds = [row for row in rows_of(panels, "strategies") or by_bytes if row[1]["curve"]]
    parts = bytes_panel(0, by_bytes) if by_bytes else []
    parts += rounds_panel(WIDTH, by_rounds) if by_rounds else []
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
            'font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
