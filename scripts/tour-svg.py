#!/usr/bin/env python3
"""Records the tour and draws its first scenes as docs/tour.svg, moving as they did.

    cargo build -p tower-goproxy-tour && scripts/tour-svg.py

Knows just the terminal codes that the tour writes.
"""

import html
import os
import pty
import re
import struct
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOUR = ROOT / "target/debug/tower-goproxy-tour"
PICTURE = ROOT / "docs/tour.svg"
SCENES = 2  # missed and attached, hit
HOLD = 4.0  # how long the last picture stays, in seconds
STEP = 0.15  # nothing moves faster than this
COLUMN, ROW, LEFT, TOP = 8.4, 20, 16, 12
COLORS = {
    "31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff",
    "35": "#d2a8ff", "36": "#76e3ea", "2": "#8b949e", "1": "#f0f6fc",
}  # fmt: skip
TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(\r?\n)|([^\x1b\r\n]+)")


def record():
    """The output of the tour, each piece with the time at which it came."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.execv(TOUR, [str(TOUR)])
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    start, pieces, rest = time.monotonic(), [], b""
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that the other end is closed
            break
        if not data:
            break
        whole, newline, rest = (rest + data).rpartition(b"\n")
        pieces.append((time.monotonic() - start, (whole + newline).decode()))
    _, status = os.waitpid(pid, 0)
    if status:
        sys.exit("the tour has failed")
    return pieces


def replay(pieces):
    """For each row what it showed and since when: [(time, [(style, text), ...]), ...]."""
    rows, row, style, scenes = {}, 0, "", 0
    for at, text in pieces:
        at = round(at / STEP) * STEP
        shown = {}
        for codes, final, newline, words in TOKEN.findall(text):
            if newline:
                row += 1
            elif final == "A":
                row -= int(codes)
            elif final == "K":
                shown[row] = []
            elif final == "m":
                style = "" if codes == "0" else codes
            elif words:
                scenes += words.startswith("▌") and style.startswith("1;")
                if scenes > SCENES:
                    return rows, at
                shown.setdefault(row, []).append((style, words))
        for number, runs in shown.items():
            states = rows.setdefault(number, [])
            if states and states[-1][0] == at:
                states.pop()
            if not states or states[-1][1] != runs:
                states.append((at, runs))
    return rows, at


def draw(rows, end):
    height = max(rows) * ROW + ROW + 2 * TOP
    width = 80 * COLUMN + 2 * LEFT
    length = end + HOLD
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
        f'viewBox="0 0 {width:.0f} {height}" font-size="14" fill="#c9d1d9" '
        'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace">'
    )
    yield "<title>Two clients of one missing module, and a third one after them</title>"
    yield '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>'
    for number, states in sorted(rows.items()):
        ends = [at for at, _ in states[1:]] + [None]
        for (at, runs), until in zip(states, ends):
            # What cannot move the picture shows its end.
            hidden = "" if until is None else ' visibility="hidden"'
            times, values = ["0"], ["hidden"]
            if at > 0:
                times, values = ["0", f"{at / length:.4f}"], ["hidden", "visible"]
            else:
                values = ["visible"]
            if until is not None:
                times.append(f"{until / length:.4f}")
                values.append("hidden")
            yield f'<text y="{TOP + number * ROW + 15}" xml:space="preserve"{hidden}>'
            if len(values) > 1:
                yield (
                    '<animate attributeName="visibility" calcMode="discrete" repeatCount="indefinite" '
                    f'dur="{length:.2f}s" keyTimes="{";".join(times)}" values="{";".join(values)}"/>'
                )
            column = 0
            for style, words in runs:
                color = COLORS.get(style.rpartition(";")[2])
                weight = ' font-weight="bold"' if style.split(";")[0] == "1" else ""
                fill = f' fill="{color}"' if color else ""
                if words.strip():
                    x = LEFT + column * COLUMN
                    span = f' textLength="{len(words) * COLUMN:.1f}" lengthAdjust="spacingAndGlyphs"'
                    yield f'<tspan x="{x:.1f}"{span}{fill}{weight}>{html.escape(words)}</tspan>'
                column += len(words)
            yield "</text>"
    yield "</svg>"


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text("\n".join(draw(*replay(record()))) + "\n")
    print(PICTURE.relative_to(ROOT))
