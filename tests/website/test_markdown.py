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


def test_a_summary_with_a_colon_is_no_argument_nor_is_a_sentence():
    text = "Engines: how.\n\nside: of an input,\nin pixels.\nAttributes: `known`."
    assert to_markdown(text) == (
        "Engines: how.\n\n- **`side`**: of an input,\n    in pixels.\n\nAttributes: `known`."
    )


def test_tables_and_examples_become_code():
    assert (
        to_markdown("A file.\n\nname   (image,)  its id")
        == "A file.\n\n```text\nname   (image,)  its id\n```"
    )
    assert to_markdown("A sum.\n\n>>> 1 + 1\n2") == "A sum.\n\n```pycon\n>>> 1 + 1\n2\n```"
