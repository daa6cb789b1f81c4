"""Which files patterns mean, and which names are taken."""

import pytest

from ingest.folder_job import FileFailure
from ingest.sync.names import bucket_fault, key_fault, prefix_fault, shown
from ingest.sync.patterns import Patterns
from ingest.sync.scanning import wait_s


@pytest.mark.parametrize(
    ("pattern", "wanted", "unwanted"),
    [
        ("*.pdf", ["a.pdf", "deep/er/a.pdf"], ["a.txt", "a.pdf.part", ".a.pdf", ".git/a.pdf"]),
        ("/*.pdf", ["a.pdf"], ["deep/a.pdf"]),
        ("deep/*.pdf", ["deep/a.pdf"], ["a.pdf", "deep/er/a.pdf"]),
        ("deep/**", ["deep/a.pdf", "deep/er/a.txt"], ["a.pdf", "deep"]),
        ("**/er/*", ["er/a", "deep/er/a"], ["deep/a", "deep/er/est/a"]),
        ("deep/**/a", ["deep/a", "deep/er/est/a"], ["a", "deep/b"]),
        ("[ab]?.txt", ["a1.txt", "b2.txt"], ["c1.txt", "a.txt", "A1.txt"]),
        (".*", [".env", "deep/.env"], ["env", ".git/config"]),
        (".git/**", [".git/config"], ["git/config", ".git/.x"]),
    ],
)
def test_a_pattern_means(pattern: str, wanted: list[str], unwanted: list[str]) -> None:
    patterns = Patterns([pattern])

    assert [path for path in wanted + unwanted if patterns.want(path.split("/"))] == wanted


def test_without_a_pattern_everything_but_hidden_names_is_wanted() -> None:
    patterns = Patterns([])

    assert patterns.want(["a"])
    assert patterns.want(["deep", "er", "a"])
    assert not patterns.want([".a"])
    assert not patterns.want([".git", "a"])


def test_one_of_several_patterns_is_enough() -> None:
    assert Patterns(["*.txt", "*.pdf"]).want(["a.pdf"])


def test_only_patterns_that_name_hidden_folders_look_into_them() -> None:
    assert Patterns([".git/*"]).mean_hidden_folders
    assert not Patterns(["*.pdf", ".*"]).mean_hidden_folders


@pytest.mark.timeout(10)
def test_a_pattern_can_not_be_made_to_backtrack() -> None:
    assert not Patterns(["*a" * 60 + "b"]).want(["a" * 250])
    assert not Patterns(["**/" * 30 + "x"]).want(["a"] * 400)


@pytest.mark.parametrize("name", ["abc", "my.bucket-1", "a" * 63, "0ab"])
def test_good_buckets(name: str) -> None:
    assert bucket_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "ab", "a" * 64, "Upper", "under_score", "-a1", "a1-", "a..b", "a.-b", "192.168.1.1",
        "xn--abc", "abc-s3alias", "a b", "a/b", "äöü", "abc\n",
    ],
)  # fmt: skip
def test_bad_buckets(name: str) -> None:
    assert bucket_fault(name) is not None


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("a/ümläut \u202e.txt", None),
        ("k" * 1024, None),
        ("k" * 1025, FileFailure.PATH_TOO_LONG),
        ("ü" * 513, FileFailure.PATH_TOO_LONG),
        ("a\x01b", FileFailure.NAME_INVALID),
        ("a\nb", FileFailure.NAME_INVALID),
        ("a\uffff", FileFailure.NAME_INVALID),
        ("a\udcff", FileFailure.NAME_NOT_UTF8),
    ],
)
def test_keys(key: str, fault: FileFailure | None) -> None:
    assert key_fault(key) is fault


@pytest.mark.parametrize("prefix", ["/a", "a//b", "a/../b", "..", "a\x00", "\ud800", "p" * 600])
def test_bad_prefixes(prefix: str) -> None:
    assert prefix_fault(prefix) is not None


@pytest.mark.parametrize("prefix", ["", "a", "a/b/", "ünï/"])
def test_good_prefixes(prefix: str) -> None:
    assert prefix_fault(prefix) is None


def test_whatever_a_name_holds_it_can_be_shown() -> None:
    assert shown(["a\udcff", "b\nc"]) == "a\\xff/b\\x0ac"
    assert len(shown(["x" * 255] * 20).encode()) < 1024
    assert len(shown(["🙂" * 60] * 20).encode()) < 1024


def test_long_paths_that_begin_alike_are_shown_apart() -> None:
    folder = ["d" * 200] * 5
    one, other = shown([*folder, "one.txt"]), shown([*folder, "other.txt"])

    assert one != other
    assert one == shown([*folder, "one.txt"])
    assert one.startswith("d" * 200 + "/")


@pytest.mark.parametrize(
    ("modified_at", "wait"), [(100.0, 2.0), (99.0, 1.0), (98.0, 0.0), (50.0, 0.0), (101.0, 2.0)]
)
def test_a_file_waits_until_it_was_left_alone(modified_at: float, wait: float) -> None:
    assert wait_s(modified_at, now=100.0, stable_s=2.0) == wait
