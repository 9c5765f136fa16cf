"""Write the blobs for the pages that train in the browser: docs/live/points.js.

Usage: points.py                    (once; tests/test_live.py compares them with load_blobs)
"""

import base64
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = """// The blobs of the lessons, written by tools/points.py: of each part the coordinates
// (float32, in pairs) and the labels (uint8), in base64.
"""


def main():
    sys.path.insert(0, str(ROOT))
    import optlab as ol

    blobs, parts = ol.load_blobs(draw=0), []
    for part in ("train", "val", "test"):
        x, y = (
            base64.b64encode(getattr(blobs, f"{name}_{part}").astype(dtype).tobytes()).decode()
            for name, dtype in (("x", "<f4"), ("y", "uint8"))
        )
        parts.append(f'  {part}: {{ x: "{x}", y: "{y}" }},\n')
    text = f"{HEAD}export const POINTS = {{\n{''.join(parts)}}};\n"
    (ROOT / "docs" / "live" / "points.js").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
