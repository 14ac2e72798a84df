"""Dates of the report that the stack has not are told as soon as it is opened, not when all the work is done."""

from command_line import refuse
from small_runs import SMALL


def test_a_date_that_is_not_there(tmp_path):
    output = tmp_path / "out"
    told = refuse(
        "report.dates=19990101: not a date of the dataset; choose from 2022",
        *SMALL,
        "report.dates=[19990101]",
        f"output={output}",
    ).stderr
    assert "signatures" not in told
    assert not output.exists()
