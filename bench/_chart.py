"""A small chart in SVG: axes (linear or logarithmic), lines, bands, points. Colours of middle brightness on no
ground: readable on white and on black."""
import math
from xml.sax.saxutils import escape

COLOURS = ("#3b82c4", "#d97706", "#5a9a5a", "#b0508f", "#8a7f5c")
INK = "#858f80"


class Chart:
    def __init__(self, title, about, x, y, xlabel, ylabel, logx=False, logy=False, size=(900, 420)):
        self.title, self.about, self.x, self.y, self.log = title, about, x, y, (logx, logy)
        self.width, self.height = size
        self.box = (70, 40, size[0] - 20, size[1] - 50)  # left, top, right, bottom
        self.parts = []
        self._axes(xlabel, ylabel)

    def _scale(self, v, axis):
        low, high = (self.x, self.y)[axis]
        if self.log[axis]:
            v, low, high = math.log10(max(v, 1e-300)), math.log10(low), math.log10(high)
        part = min(max((v - low) / (high - low), 0.0), 1.0)
        left, top, right, bottom = self.box
        return left + part * (right - left) if axis == 0 else bottom - part * (bottom - top)

    def at(self, x, y):
        return f"{self._scale(x, 0):.1f},{self._scale(y, 1):.1f}"

    def _ticks(self, axis):
        low, high = (self.x, self.y)[axis]
        if self.log[axis]:
            ends = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            return [10.0**e * k for e in ends for k in (1, 2, 5) if low <= 10.0**e * k <= high]
        step = 10.0 ** math.floor(math.log10((high - low) / 4))
        step *= next(k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 7)
        return [step * k for k in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]

    def _axes(self, xlabel, ylabel):
        left, top, right, bottom = self.box
        for v in self._ticks(0):
            x = self._scale(v, 0)
            self.parts.append(f'<path class="grid" d="M{x:.1f} {top}V{bottom}"/>'
                              f'<text class="mid" x="{x:.1f}" y="{bottom + 18}">{v:g}</text>')
        for v in self._ticks(1):
            y = self._scale(v, 1)
            self.parts.append(f'<path class="grid" d="M{left} {y:.1f}H{right}"/>'
                              f'<text class="end" x="{left - 6}" y="{y + 4:.1f}">{v:g}</text>')
        self.parts.append(f'<text class="mid" x="{(left + right) / 2}" y="{bottom + 40}">{escape(xlabel)}</text>')
        self.parts.append(f'<text x="{left - 60}" y="{top - 14}">{escape(ylabel)}</text>')

    def line(self, points, colour, dashed=False):
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self.parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.8"{dash} '
                          f'points="{" ".join(self.at(*p) for p in points)}"/>')

    def band(self, low, high, colour):
        """Between two lines."""
        edge = [self.at(*p) for p in low] + [self.at(*p) for p in reversed(high)]
        self.parts.append(f'<polygon fill="{colour}" fill-opacity="0.25" points="{" ".join(edge)}"/>')

    def point(self, x, y, colour, label="", radius=4, dy=-8):
        px, py = self.at(x, y).split(",")
        self.parts.append(f'<circle cx="{px}" cy="{py}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.75"/>')
        if label:
            self.text(float(px) + radius + 3, float(py) + dy, label, colour)

    def text(self, px, py, label, colour=INK):
        self.parts.append(f'<text x="{px:.1f}" y="{py:.1f}" style="fill:{colour}">{escape(label)}</text>')

    def legend(self, names, right=False):
        """(label, colour) from the top, inside the axes."""
        x = self.box[2] - 300 if right else self.box[0] + 12
        for i, (label, colour) in enumerate(names):
            y = self.box[1] + 18 + 20 * i
            self.parts.append(f'<rect x="{x}" y="{y - 10}" width="18" height="10" fill="{colour}"/>')
            self.text(x + 26, y, label)

    def save(self, path):
        with open(path, "w") as f:
            f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" role="img" '
                    f'aria-labelledby="t d" font-family="Helvetica, Arial, sans-serif" font-size="13">\n'
                    f'<title id="t">{escape(self.title)}</title>\n<desc id="d">{escape(self.about)}</desc>\n'
                    f"<style>text {{ fill: {INK}; }} .mid {{ text-anchor: middle; }} .end {{ text-anchor: end; }} "
                    f".grid {{ stroke: {INK}; stroke-opacity: 0.25; fill: none; }}</style>\n"
                    + "\n".join(self.parts) + "\n</svg>\n")
