"""The parser of MySQL's and MariaDB's DDL, under ASan and UBSan.

Statements are in mysql/ddl_*.sql.  After a change that is meant to change the
trees: parse NAME.sql > NAME.out, and read the difference.
"""
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent / "mysql"
FUZZ = pathlib.Path(__file__).parent.parent / "fuzz"
FILES = sorted(HERE.glob("ddl_*.sql"))
FLIPS = 200     # of each statement
SEED = 20240229

pytestmark = pytest.mark.skipif(
    not (shutil.which("clang") or shutil.which("gcc")), reason="no compiler")


@pytest.fixture(scope="session")
def parse():
    subprocess.run(["make", "-C", FUZZ, "golden"], check=True)

    def run(*args):
        done = subprocess.run([FUZZ / "build" / "parse", *map(str, args)],
                              capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    return run


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_trees_are_as_expected(parse, path):
    assert parse(path) == path.with_suffix(".out").read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_only_what_is_meant_to_fail_fails(parse, path):
    """A file that a server runs has nothing that the parser refuses."""
    assert path.stem == "ddl_manual" or b"\tfailure: " not in parse(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cut_statements_do_no_harm(parse, path):
    assert int(parse("truncate", path).split()[1]) > 2000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_damaged_statements_do_no_harm(parse, path):
    assert int(parse("flip", FLIPS, SEED, path).split()[1]) > 5000
