"""What a stack remembers between two starts."""

import socket
import stat
from pathlib import Path

import pytest

from docyard_stack.errors import FolderInUseError
from docyard_stack.folder import StackFolder
from docyard_stack.processes import Identity
from docyard_stack.record import PartRecord, PartState, Phase, StackRecord


def test_ports_and_keys_survive_a_restart(tmp_path: Path) -> None:
    folder = StackFolder(tmp_path)
    before = StackRecord()
    ports = before.ports_of("kafka", 2)
    folder.save(before)

    after = folder.load()

    assert after is not None
    assert after.ports_of("kafka", 2) == ports
    assert after.keys == before.keys


def test_a_port_that_somebody_took_is_replaced() -> None:
    record = StackRecord()
    (port,) = record.ports_of("postgres", 1)
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", port))
        intruder.listen()

        assert record.ports_of("postgres", 1) != [port]


def test_parts_never_share_a_port() -> None:
    record = StackRecord()

    ports = [port for number in range(50) for port in record.ports_of(f"part-{number}", 10)]

    assert len(set(ports)) == 500


def test_two_stacks_have_different_keys() -> None:
    assert StackRecord().keys != StackRecord().keys


def test_the_record_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    StackFolder(tmp_path).save(StackRecord())

    mode = (tmp_path / "stack.json").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


def test_a_folder_without_a_stack_has_no_record(tmp_path: Path) -> None:
    assert StackFolder(tmp_path).load() is None


def test_a_folder_is_held_by_one_stack_at_a_time(tmp_path: Path) -> None:
    with (
        StackFolder(tmp_path).hold(),
        pytest.raises(FolderInUseError, match="docyard down"),
        StackFolder(tmp_path).hold(),
    ):
        pass


def test_a_folder_that_was_let_go_can_be_held_again(tmp_path: Path) -> None:
    with StackFolder(tmp_path).hold():
        pass
    with StackFolder(tmp_path).hold():
        pass


def test_a_pid_counts_only_together_with_its_start_time() -> None:
    own = Identity.own()
    assert own is not None

    assert own.alive
    assert not Identity(pid=own.pid, born=f"60 s before {own.born}").alive


def test_the_record_reads_back_as_it_was(tmp_path: Path) -> None:
    folder = StackFolder(tmp_path)
    record = StackRecord(phase=Phase.READY, supervisor=Identity(pid=1, born="2.50 s"))
    record.parts["kafka"] = PartRecord(state=PartState.RESTARTING, port=9, restarts=3)

    folder.save(record)

    assert folder.load() == record
