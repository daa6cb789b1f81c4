"""What a person and a script see: data, words, exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.client.fake_docyard import FakeDocyard, problem
from typer.testing import CliRunner, Result

from docyard.cli.app import app

Run = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "deep" / "b.txt").write_text("b")
    (folder / ".hidden").write_text("c")
    return folder


def test_upload_prints_the_ids_and_nothing_else(run: Run, fake: FakeDocyard, files: Path) -> None:
    result = run("upload", "-r", str(files))

    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {row[0] for row in rows} == set(fake.documents)
    assert [Path(row[2]).name for row in rows] == ["a.txt", "b.txt"]


def test_upload_waits_until_everything_has_ended(run: Run, files: Path) -> None:
    result = run("upload", "-r", "--wait", "--json", str(files))

    items = json.loads(result.stdout)["items"]
    assert result.exit_code == 0
    assert [item["state"] for item in items] == ["completed", "completed"]


def test_uploads_that_fail_in_processing_exit_with_7(
    run: Run, fake: FakeDocyard, files: Path
) -> None:
    fake.ends = {"a.txt": "failed", "b.txt": "failed"}

    result = run("upload", "-r", "--wait", str(files))

    assert result.exit_code == 7
    assert "it has a password" in result.stderr
    assert "failed" in result.stdout


def test_some_that_fail_exit_with_8(run: Run, fake: FakeDocyard, files: Path) -> None:
    fake.ends = {"a.txt": "failed"}

    result = run("upload", "-r", "--wait", "--json", str(files))

    errors = [item["error"] for item in json.loads(result.stdout)["items"]]
    assert result.exit_code == 8
    assert errors[0]["code"] == "encrypted_document"
    assert errors[1] is None


def test_a_refused_file_exits_with_6_and_says_why(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.exe"
    path.write_bytes(b"MZ")

    result = run("upload", str(path))

    assert result.exit_code == 6
    assert "Docyard does not read such files" in result.stderr
    assert result.stdout == ""


def test_waiting_in_vain_exits_with_9(run: Run, fake: FakeDocyard, files: Path) -> None:
    fake.ends["a.txt"] = "indexing"

    result = run("upload", "--wait", "--timeout", "0.3", str(files / "a.txt"))

    assert result.exit_code == 9
    assert next(iter(fake.documents)) in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [("upload", "not-there"), ("upload", "."), ("upload",), ("ls", "--limit", "0"), ("nonsense",)],
)
def test_wrong_usage_exits_with_2_and_sends_nothing(
    run: Run, fake: FakeDocyard, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert result.stderr
    assert fake.requests == []


def test_a_document_that_is_in_work_shows_how_far_it_is(run: Run, fake: FakeDocyard) -> None:
    document_id = fake.add(filename="long.pdf", state="extracting")
    pages = {"pages_done": 12, "pages_total": 600, "progress": 20.4, "eta_s": 41.6}
    fake.documents[document_id] |= pages

    result = run("show", document_id)

    assert result.exit_code == 0, result.output
    shown = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    for fact in (["pages", "12 of 600"], ["left", "42 s"], ["progress", "20%"]):
        assert fact in shown


@pytest.mark.parametrize(
    ("status", "exit_code"), [(401, 4), (403, 4), (404, 3), (409, 5), (422, 6)]
)
def test_a_refusal_is_a_sentence_and_an_exit_code(
    run: Run, fake: FakeDocyard, status: int, exit_code: int
) -> None:
    fake.answers.append(problem(status, "CODE", "That did not work.", errors=[{"field": "q"}]))

    result = run("show", "some-id")

    assert result.exit_code == exit_code
    assert result.stderr.startswith("docyard: That did not work.\n")
    assert "trace id: t-1" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_refusal_is_an_object_for_programs(run: Run, fake: FakeDocyard) -> None:
    fake.answers.append(problem(404, "DOCUMENT_NOT_FOUND", "there is no such document"))

    result = run("show", "some-id", "--json")

    assert json.loads(result.stderr)["error"]["code"] == "DOCUMENT_NOT_FOUND"


def test_nowhere_to_go_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCYARD_URL", raising=False)

    result = CliRunner().invoke(app, ["ls", "--data", str(tmp_path)])

    assert result.exit_code == 1
    assert "docyard up" in result.stderr


def test_a_list_is_fetched_part_by_part(run: Run, fake: FakeDocyard) -> None:
    for _ in range(120):
        fake.add()

    result = run("ls", "-n", "110", "--json")

    assert len(json.loads(result.stdout)["items"]) == 110


def test_what_a_file_is_called_cannot_steer_the_terminal(run: Run) -> None:
    result = run("search", "words")

    assert "\x1b" not in result.stdout
    assert "pages 3-4" in result.stdout


def test_a_part_is_written_to_a_folder_under_its_documents_name(
    run: Run, fake: FakeDocyard, tmp_path: Path
) -> None:
    document_id = fake.add(filename="../../evil.pdf")
    fake.contents[document_id] = b"%PDF"

    original = run("get", document_id, "original", "-o", str(tmp_path))
    text = run("get", document_id)

    assert original.exit_code == text.exit_code == 0
    assert (tmp_path / "evil.pdf").read_bytes() == b"%PDF"
    assert text.stdout == f"the text of {document_id}"


def test_erasing_asks_and_without_an_answer_does_nothing(run: Run, fake: FakeDocyard) -> None:
    document_id = fake.add()

    refused = run("rm", document_id)
    done = run("rm", document_id, "--yes")

    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert done.exit_code == 0
    assert [method for method, _ in fake.requests] == ["DELETE"]


def test_cancelling_some_of_several_exits_with_8(run: Run, fake: FakeDocyard) -> None:
    result = run("cancel", fake.add(), fake.add(state="completed"), "--json")

    assert result.exit_code == 8
    assert [item["outcome"] for item in json.loads(result.stdout)["items"]] == [
        "cancel requested",
        "failed",
    ]


def test_watch_streams_lines_and_one_result(run: Run, fake: FakeDocyard) -> None:
    document_id = fake.add()

    result = run("watch", document_id, "--json")

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["progress"] * 5 + ["result"]
    assert lines[-1]["items"][0]["state"] == "completed"


def test_watch_without_ids_follows_what_is_unfinished(run: Run, fake: FakeDocyard) -> None:
    running, _ended = fake.add(), fake.add(state="completed")

    result = run("watch")

    assert result.stdout.split("\t")[:2] == [running, "completed"]


class TestDeadLetters:
    @pytest.fixture(autouse=True)
    def entries(self, fake: FakeDocyard) -> None:
        for id_, fingerprint in (("1", "f"), ("2", "f"), ("3", "g")):
            fake.entries[id_] = {
                "id": id_,
                "state": "open",
                "reason": "timeout",
                "fingerprint": fingerprint,
            }

    @pytest.mark.parametrize(
        "arguments",
        [
            ("replay",),
            ("replay", "--group", "f"),
            ("replay", "1", "--group", "f"),
            ("replay", "1", "2"),
            ("discard", "--because", "old"),
            ("discard", "--group", "f"),
            ("restore",),
        ],
    )
    def test_a_change_of_everything_or_without_a_reason_is_refused(
        self, run: Run, fake: FakeDocyard, arguments: tuple[str, ...]
    ) -> None:
        assert run("dlq", *arguments).exit_code == 2
        assert fake.requests == []

    def test_a_dry_run_changes_nothing(self, run: Run, fake: FakeDocyard) -> None:
        discard = run("dlq", "discard", "--group", "f", "--because", "old", "--dry-run", "--json")
        replay = run("dlq", "replay", "--group", "f", "--because", "fixed", "--dry-run")

        assert [item["id"] for item in json.loads(discard.stdout)["items"]] == ["1", "2"]
        assert replay.exit_code == 0
        assert "would move 2" in replay.stdout
        assert [order["dry_run"] for order in fake.replays] == [True]
        assert {entry["state"] for entry in fake.entries.values()} == {"open"}

    def test_a_group_is_replayed_after_its_scope_is_known(
        self, run: Run, fake: FakeDocyard
    ) -> None:
        unanswered = run("dlq", "replay", "--group", "f", "--because", "fixed")
        result = run("dlq", "replay", "--group", "f", "--because", "fixed", "--yes", "--rate", "5")

        assert unanswered.exit_code == 2
        assert result.exit_code == 0
        assert fake.replays[-1] == {
            "group": "f",
            "dry_run": False,
            "rate_per_s": 5.0,
            "reason": "fixed",
        }

    def test_entries_are_discarded_and_restored(self, run: Run, fake: FakeDocyard) -> None:
        assert run("dlq", "discard", "1", "--because", "old").exit_code == 0
        assert fake.entries["1"]["state"] == "discarded"
        assert run("dlq", "restore", "1").exit_code == 0
        assert fake.entries["1"]["state"] == "open"
        assert run("dlq", "restore", "9").exit_code == 3
        assert run("dlq", "restore", "9", "1", "--yes").exit_code == 8

    def test_an_export_is_lines_of_json(self, run: Run) -> None:
        result = run("dlq", "export")

        assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["1", "2", "3"]
