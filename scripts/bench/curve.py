"""A curve of cost over size, as an SVG: the size on a logarithmic axis, the cost on one from zero."""

import math

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 320, 60, 50, 30, 20
HEADROOM = 1.3  # of the axis above the highest point


def curve_svg(points: list[dict[str, float]]) -> str:
    """Points have `transfers` and `times_floor`: the cost as a multiple of the floor's, measured in turns."""
    low, high = math.log10(points[0]["transfers"]), math.log10(points[-1]["transfers"])
    tallest = max(point["times_floor"] for point in points) * HEADROOM

    def x(size: float) -> float:
        span = (math.log10(size) - low) / (high - low) if high > low else 0.5
        return LEFT + span * (WIDTH - LEFT - RIGHT)

    def y(cost: float) -> float:
        return HEIGHT - BOTTOM - cost / tallest * (HEIGHT - BOTTOM - TOP)

    line = " ".join(f"{x(p['transfers']):.1f},{y(p['times_floor']):.1f}" for p in points)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18">Cost of a single transfer, as a multiple of the floor&#39;s</text>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#333"/>',
        f'<polyline points="{line}" fill="none" stroke="#0b6" stroke-width="2"/>',
    ]
    for point in points:
        size, ratio = point["transfers"], point["times_floor"]
        parts += [
            f'<circle cx="{x(size):.1f}" cy="{y(ratio):.1f}" r="4" fill="#0b6"/>',
            f'<text x="{x(size):.1f}" y="{y(ratio) - 10:.1f}" text-anchor="middle">{ratio:.2f}</text>',
            f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,.0f}</text>',
        ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">transfers in the ledger</text>'
    )
    return "\n".join([*parts, "</svg>", ""])
