"""Lines that are replaced leave no trace on a terminal, and are not written where none is."""

import io

import pytest

from pipeline import screen
from pipeline.screen import RED, Screen, Silence, write_lines


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def seen(text):
    """What stands on a terminal after it was given a text."""
    rows, y, x = [""], 0, 0
    while text:
        if text.startswith("\033["):
            end = next(i for i, character in enumerate(text) if character.isalpha())
            number, letter, text = text[2:end], text[end], text[end + 1 :]
            if letter == "A":
                y -= int(number)
            elif letter == "J":
                rows[y:] = [rows[y][:x]]
            continue
        character, text = text[0], text[1:]
        if character == "\n":
            y, x = y + 1, 0
            rows += [""] * (y + 1 - len(rows))
        elif character == "\r":
            x = 0
        else:
            rows[y] = rows[y][:x] + character + rows[y][x + 1 :]
            x += 1
    return rows


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_lines_that_stay_stand_above_those_that_are_replaced(terminal):
    shown = Screen(terminal)
    shown.show(live=["a 1", "b 1"])
    shown.show(["done"], live=["b 2"])
    terminal.write("^C")  # what the terminal itself shows, when the user presses it
    shown.show(live=["b 3", "c 3"])
    assert seen(terminal.getvalue()) == ["done", "b 3", "c 3", ""]
    shown.show(["end"])
    assert seen(terminal.getvalue()) == ["done", "end", ""]


def test_a_line_that_is_replaced_fits_into_one_row(terminal, monkeypatch):
    monkeypatch.setattr(Screen, "_size", lambda _: (20, 4))
    Screen(terminal).show(["x" * 50], live=["a", "b", "y" * 50])
    assert terminal.getvalue().splitlines() == ["x" * 50, "b", "y" * 18 + "…"]


@pytest.mark.parametrize("dumb", [False, True])
def test_no_line_is_replaced_in_a_file_or_on_a_dumb_terminal(monkeypatch, dumb):
    monkeypatch.setenv("TERM", "dumb" if dumb else "xterm")
    stream = Terminal() if dumb else io.TextIOWrapper(io.BytesIO(), "utf-8")
    written = []
    monkeypatch.setattr(screen, "_write", lambda _, text: written.append(text))
    shown = Screen(stream)
    shown.show(live=["a"])
    shown.show([shown.colour("b", RED)], live=["a"])
    assert written == ["b\n"]


def test_colours_are_left_out_where_the_user_wants_none(terminal, monkeypatch):
    assert Screen(terminal).colour("a", RED) == "\033[31ma\033[0m"
    assert Screen(terminal, has_colours=False).colour("a", RED) == "a"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(terminal).colour("a", RED) == "a"


def test_what_an_encoding_does_not_have_becomes_a_question_mark():
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    write_lines(stream, ["x₀ – −4.0"])
    assert stream.buffer.getvalue() == b"x? ? ?4.0\n"


def test_a_reader_that_goes_away_does_not_end_the_run():
    class Closed(Terminal):
        def write(self, text):
            raise BrokenPipeError

    write_lines(Closed(), ["a"])
    Screen(Closed()).show(["a"])


def test_a_file_gets_lines_after_longer_and_longer_silence():
    silence = Silence()
    assert [gone for gone in range(0, 4000, 5) if silence.is_over(gone)] == [
        *(30, 60, 120, 240, 480, 960, 1560, 2160, 2760, 3360, 3960)
    ]
