"""Tables as pages: numbers as in the CSV, text escaped."""

import pandas as pd

from labelmaps.figures.html_table import readable, render_table

TABLE = pd.DataFrame(
    {
        "model": ["a", "<script>alert(1)</script>"],
        "n_images": [400, 7],
        "ours": [0.6126, float("nan")],
        "ours_low": [0.564, float("nan")],
        "ours_high": [0.659, float("nan")],
        "paper": [0.613, 0.8775],
        "difference": [-0.0004, float("nan")],
    }
)


def test_a_value_and_its_interval_become_one_cell_in_percent():
    assert readable(TABLE).to_dict("list") == {
        "model": ["a", "<script>alert(1)</script>"],
        "n images": ["400", "7"],
        "ours (%)": ["61.3 [56.4, 65.9]", "–"],
        "paper (%)": ["61.3", "87.75"],
        "difference (%)": ["-0.04", "–"],
    }


def test_the_page_holds_the_table_and_escapes_text():
    html = render_table(TABLE, "A & B", "x < y")
    assert "<script" not in html
    assert "<title>A &amp; B</title>" in html
    assert "x &lt; y" in html
    assert "<td>61.3 [56.4, 65.9]</td>" in html
    assert html.count("<tr>") + html.count("<tr ") == 1 + len(TABLE)
