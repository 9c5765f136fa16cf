"""The sheet of all figures: every stored picture, as different eyes see it."""

import base64
import io
import re
import sys

import nbformat
import numpy as np
from PIL import Image
from test_package import ROOT

sys.path.insert(0, str(ROOT / "tools"))
import figure_sheet  # noqa: E402


def png_of(color):
    buffer = io.BytesIO()
    Image.new("RGB", (4, 3), color).save(buffer, format="png")
    return buffer.getvalue()


def lesson(path, *pictures):
    """Write a notebook that stores pictures, given as PNG and alternative text."""
    outputs = [
        nbformat.v4.new_output(
            "display_data", {"image/png": base64.b64encode(png).decode(), "text/plain": "x"},
            metadata={"image/png": {"alt": alt}} if alt else {},
        )
        for png, alt in pictures
    ]  # fmt: skip
    cells = [nbformat.v4.new_markdown_cell("# A lesson"), nbformat.v4.new_code_cell("draw()")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="words"), *outputs]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_the_sheet_holds_every_figure_with_its_place_words_and_size(tmp_path):
    red, blue = png_of("#D55E00"), png_of("#0072B2")
    paths = [lesson(tmp_path / "05_rates.ipynb", (red, 'Rates "a" & <b>'), (blue, "")),
             lesson(tmp_path / "deeper" / "05_rates.ipynb", (blue, "Deeper"))]  # fmt: skip
    sheet = tmp_path / "sheet"
    (sheet / "old").mkdir(parents=True)
    assert figure_sheet.write_sheet(paths, sheet) == 3
    page = (sheet / "index.html").read_text()
    assert not (sheet / "old").exists()
    assert page.count("05_rates, cell 1, 0 kB") == 3
    assert "Rates &quot;a&quot; &amp; &lt;b&gt;" in page and "Deeper" in page
    assert page.count("no alternative text") == 1
    sources = re.findall(r'src="([^"]+)"', page)
    assert len(set(sources)) == 9 and all((sheet / name).is_file() for name in sources)
    assert (sheet / sources[0]).read_bytes() == red


def test_what_other_eyes_see():
    grey = np.asarray(figure_sheet.seen_by("grey", png_of("#808080")))
    assert (grey == 128).all()  # grey stays, and so does white
    assert (np.asarray(figure_sheet.seen_by("deuteranopia", png_of("white"))) == 255).all()
    red, green = (
        np.asarray(figure_sheet.seen_by("grey", png_of(c)))[0, 0] for c in ("red", "lime")
    )
    assert len(set(red)) == len(set(green)) == 1 and green[0] > red[0] == 127
    # by the published table: what is left of pure red, then gamma
    left = np.clip([0.367322, 0.280085, -0.011820], 0, 1)
    expected = 255 * np.where(left > 0.0031308, 1.055 * left ** (1 / 2.4) - 0.055, 12.92 * left)
    seen = np.asarray(figure_sheet.seen_by("deuteranopia", png_of("red")))[0, 0]
    np.testing.assert_allclose(seen, expected, atol=0.51)
