"""A plot of lines as SVG, readable on a light and on a dark page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.results import Plot

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 64, 150, 36, 44
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea")


def draw(plot: Plot) -> str:
    """x is logarithmic where it spans more than a hundredfold; y begins at zero."""
    xs = sorted({x for line in plot.lines.values() for x, _ in line})
    top = max(y for line in plot.lines.values() for _, y in line) * 1.1
    wide = xs[0] > 0 and xs[-1] / xs[0] > 100

    def across(x: float) -> float:
        low, high, at = (math.log(v) if wide else v for v in (xs[0], xs[-1], x))
        return LEFT + (WIDTH - LEFT - RIGHT) * (at - low) / ((high - low) or 1)

    def down(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / top

    parts = [_text(LEFT, 20, plot.title, weight="bold")]
    for y in _steps(top):
        parts.append(f'<path d="M{LEFT} {down(y):.1f}H{WIDTH - RIGHT}" stroke="#8884"/>')
        parts.append(_text(LEFT - 8, down(y) + 4, f"{y:g}", anchor="end"))
    parts += [_text(across(x), HEIGHT - BOTTOM + 18, f"{x:,g}", anchor="middle") for x in xs]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, plot.x, anchor="middle"))
    parts.append(_text(8, TOP - 2, plot.y))
    for (name, line), colour in zip(plot.lines.items(), COLOURS, strict=False):
        points = " ".join(f"{across(x):.1f},{down(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{down(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
        parts.append(_text(across(line[-1][0]) + 8, down(line[-1][1]) + 4, name, fill=colour))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal", fill: str = "#888") -> str:
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">{words}</text>'


def _steps(top: float) -> Sequence[float]:
    """Round numbers up to `top`, four to eight of them."""
    size = 10 ** math.floor(math.log10(top))
    step = next(size * f for f in (0.2, 0.25, 0.5, 1.0, 2.0) if top / (size * f) <= 8)
    return [step * n for n in range(int(top / step) + 1)]
