"""Docstrings of the project's form as Markdown."""

from website.markdown import to_markdown


def test_arguments_become_a_list_and_signs_stay_signs():
    text = """Compute p(k*|x_u) for k* and `k*`.

maps: of a block of images,
    which go on here.
x, y: in pixels.
Returns (image,)."""
    assert to_markdown(text) == (
        "Compute p(k\\*|x\\_u) for k\\* and `k*`.\n\n"
        "- **`maps`**: of a block of images,\n    which go on here.\n- **`x, y`**: in pixels.\n\nReturns (image,)."
    )


def test_tables_and_examples_become_code():
    assert to_markdown("name   (image,)  its id") == "```text\nname   (image,)  its id\n```"
    assert to_markdown(">>> 1 + 1\n2") == "```pycon\n>>> 1 + 1\n2\n```"
