"""The reader of a user's JSON files."""

import pytest

from labelmaps.errors import InputError
from labelmaps.storage.json_files import read_json


def test_a_byte_order_mark_is_no_part_of_the_json(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + '{"é": [1, 2.5, null]}'.encode())
    assert read_json(tmp_path / "a.json", "x") == {"é": [1, 2.5, None]}
    assert read_json(tmp_path / "a.json", "x", lambda pairs: pairs) == [("é", [1, 2.5, None])]


@pytest.mark.parametrize("content", [b"", b"<html>", b"[1,\n2", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_told_with_what_to_give(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot read .*a\.json as JSON: .*\. Give the file"):
        read_json(tmp_path / "a.json", "the file")


def test_what_is_no_file_is_told_and_errors_about_the_content_pass(tmp_path):
    with pytest.raises(InputError, match=r"no such file: .*none\.json\. Correct the path"):
        read_json(tmp_path / "none.json", "the file")
    with pytest.raises(InputError, match="a folder, not a regular file"):
        read_json(tmp_path, "the file")
    (tmp_path / "a.json").write_text("{}")

    def refuse(pairs):
        raise InputError("twice")

    with pytest.raises(InputError, match=r"^twice$"):
        read_json(tmp_path / "a.json", "the file", refuse)
