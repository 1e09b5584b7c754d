"""The binary log decoder on captured logs, under ASan and UBSan.

Captures are made by mysql/capture.sh.  After a change that is meant to change
the text: decode NAME.bin NAME.tsv > NAME.out, and read the difference.
"""
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent / "mysql"
FUZZ = pathlib.Path(__file__).parent.parent / "fuzz"
CAPTURES = sorted(path.stem for path in HERE.glob("*.bin"))
FLIPS = 100     # of each event
SEED = 20240229

pytestmark = pytest.mark.skipif(
    not (shutil.which("clang") or shutil.which("gcc")), reason="no compiler")


@pytest.fixture(scope="session")
def decode():
    subprocess.run(["make", "-C", FUZZ, "golden"], check=True)

    def run(*args):
        done = subprocess.run([FUZZ / "build" / "decode", *map(str, args)],
                              capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    return run


def files(name):
    return HERE / f"{name}.bin", HERE / f"{name}.tsv"


def tally(output):
    return {word: int(count) for word, count in
            (line.split() for line in output.decode().splitlines())}


@pytest.mark.parametrize("name", CAPTURES)
def test_text_is_as_expected(decode, name):
    assert decode(*files(name)) == (HERE / f"{name}.out").read_bytes()


@pytest.mark.parametrize("name", CAPTURES)
def test_truncated_events_end_in_errors_or_values(decode, name):
    counts = tally(decode("truncate", *files(name)))
    assert counts["XX001"] > 1000
    assert set(counts) <= {"decoded", "unnoticed", "XX001"}


@pytest.mark.parametrize("name", CAPTURES)
def test_flipped_bits_end_in_errors_or_values(decode, name):
    counts = tally(decode("flip", FLIPS, SEED, *files(name)))
    assert counts["XX001"] > 1000
    assert set(counts) <= {"decoded", "unnoticed", "XX001", "22021", "0A000",
                           "55000"}


@pytest.mark.parametrize("name", CAPTURES)
def test_checksums_notice_flipped_bits(decode, name):
    assert tally(decode("flip", FLIPS, SEED, *files(name)))["unnoticed"] == 0


# the definition of one column, made another one: its rows must be refused
MISFITS = [
    ("ints", "tu", "tinyint(3) unsigned", "smallint(5) unsigned"),
    ("decimals", "d5", "decimal(5,2)", "decimal(5,1)"),
    ("times", "dt3", "datetime(3)", "datetime(2)"),
    ("bits", "b9", "bit(9)", "bit(10)"),
    ("texts", "v", "varchar(20)", "varchar(23)"),
    ("texts", "tt", "tinytext", "text"),
    ("binaries", "b", "binary(4)", "binary(5)"),
    ("labels", "e", "enum(", "set("),
    ("metadata", "n", "bigint(20)", "bigint(20) unsigned"),
    ("maria", "u", "uuid", "inet4"),
]


def refused(change, tmp_path):
    """What is said when each definition goes through change()."""
    binary, definitions = files("mariadb")
    rows = [line.split("\t") for line in
            definitions.read_text().splitlines(keepends=True)]
    changed = [row for row in map(change, map(list, rows)) if row]
    assert changed != rows

    path = tmp_path / "definitions.tsv"
    path.write_text("".join("\t".join(row) for row in changed))
    done = subprocess.run([FUZZ / "build" / "decode", binary, path],
                          capture_output=True, timeout=60)
    assert done.returncode == 2
    return done.stderr.decode()


@pytest.mark.parametrize("table,column,old,new", MISFITS)
def test_a_type_that_does_not_fit_is_refused(decode, tmp_path, table, column,
                                             old, new):
    def change(row):
        if row[1:3] == [table, column]:
            assert row[3].startswith(old)
            row[3] = new + row[3][len(old):]
        return row

    message = refused(change, tmp_path)
    assert "ERROR 55000" in message and f"golden.{table}" in message
    assert f'Column "{column}" is defined as' in message


def test_a_name_that_does_not_fit_is_refused(decode, tmp_path):
    def change(row):
        if row[1:3] == ["metadata", "t"]:
            row[2] = "other"
        return row

    assert 'named "t" in the log and "other"' in refused(change, tmp_path)


def test_another_number_of_columns_is_refused(decode, tmp_path):
    message = refused(lambda row: row[1:3] != ["bits", "b64"] and row, tmp_path)
    assert "The log has 7 columns, the definition has 6." in message
