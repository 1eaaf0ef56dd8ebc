"""A plot of a few lines as an SVG file, without a library: the axis upwards is logarithmic."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 110, 40, 50
COLOURS = ("#1864ab", "#c92a2a", "#2b8a3e", "#5f3dc4")


def save_plot(
    path: Path,
    *,
    title: str,
    across: str,
    upwards: str,
    places: Sequence[float],
    lines: Mapping[str, Sequence[float]],
) -> None:
    """``lines`` have a positive value for each of ``places``, which ascend."""
    values = [value for line in lines.values() for value in line]
    low = 10 ** math.floor(math.log10(min(values)))
    high = 10 ** math.ceil(math.log10(max(values) * 1.0001))
    decades = round(math.log10(high / low))

    def x(place: float) -> float:
        span = places[-1] - places[0] or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * (place - places[0]) / span

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log10(value / low) / decades

    parts = [
        _text(WIDTH / 2, 22, title, size=15),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across),
        _text(18, HEIGHT / 2, upwards, turned=True),
    ]
    for decade in range(decades + 1):
        for step in range(1, 10 if decade < decades else 2):
            value = low * 10**decade * step
            shade = "#adb5bd" if step == 1 else "#e9ecef"
            parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="{shade}" fill="none"/>')
        parts.append(_text(LEFT - 8, y(low * 10**decade) + 4, f"{low * 10**decade:g}", anchor="end"))
    for place in places:
        parts.append(_text(x(place), HEIGHT - BOTTOM + 18, f"{place:g}"))
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        points = [(x(place), y(value)) for place, value in zip(places, line, strict=True)]
        told = " ".join(f"{across_:.1f},{up:.1f}" for across_, up in points)
        parts.append(f'<polyline points="{told}" stroke="{colour}" stroke-width="2" fill="none"/>')
        parts.extend(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in points)
        parts.append(
            _text(points[-1][0] + 10, points[-1][1] + 4, f"{name} ({line[-1]:.3g})", "start", colour=colour)
        )
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n',
        encoding="utf-8",
    )


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str = "middle",
    *,
    size: int = 12,
    turned: bool = False,
    colour: str = "#212529",
) -> str:
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{turn}>'
        f"{escape(text)}</text>"
    )
