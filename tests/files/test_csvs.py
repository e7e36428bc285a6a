"""CSV files that other programs open: no text in them is a formula or an order to a terminal."""

import io

import pandas as pd
import pytest

from mobench.files.csvs import write_csv


def written(frame, **options):
    file = io.BytesIO()
    write_csv(frame, file, **options)
    return file.getvalue().decode()


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x")', "=", "-x"]
)
def test_a_text_that_a_spreadsheet_would_compute_is_text_there_in_cells_and_headings(cell):
    back = pd.read_csv(io.StringIO(written(pd.DataFrame({cell: ["x"], "b": [cell], "n": [1]}))))
    assert list(back.columns) == [f"'{cell}", "b", "n"]
    assert back["b"][0] == f"'{cell}"


def test_numbers_stay_numbers_to_the_last_bit_and_texts_that_are_numbers_stay_as_they_are():
    frame = pd.DataFrame({"x": [-0.1, 1e-300, -1 / 3], "text": ["-1", "+0.5", "-1.5e-07"], "n": [-1, 0, 1]})
    back = pd.read_csv(io.StringIO(written(frame)), dtype=str)
    assert [float(x) for x in back["x"]] == frame["x"].tolist()
    assert back["text"].tolist() == frame["text"].tolist()
    assert back["n"].tolist() == ["-1", "0", "1"]


def test_what_would_steer_a_terminal_is_spelled_out_and_lines_stay():
    assert written(pd.DataFrame({"error": ["a\x1b[2Jb\nc\x9b1m\u202e"]})) == ('error\n"a\\x1b[2Jb\nc\\x9b1m\\u202e"\n')


def test_a_frame_can_be_written_in_parts_with_fewer_digits():
    frame = pd.DataFrame({"x": [1 / 3], "t": [None]})
    assert written(frame, digits=3) + written(frame, header=False) == "x,t\n0.333,\n0.3333333333333333,\n"
