from docyard_common.delivery.foreign import any_death_of
from docyard_common.delivery.headers import Cause, Origin


def test_spring_dead_letters_are_read_with_their_big_endian_numbers() -> None:
    note = any_death_of(
        (
            ("kafka_dlt-original-topic", b"orders"),
            ("kafka_dlt-original-partition", (2).to_bytes(4, "big")),
            ("kafka_dlt-original-offset", (45).to_bytes(8, "big")),
            ("kafka_dlt-original-timestamp", (1_700_000_000_000).to_bytes(8, "big")),
            ("kafka_dlt-original-consumer-group", b"billing"),
            ("kafka_dlt-exception-fqcn", b"org.springframework.Wrapper"),
            ("kafka_dlt-exception-cause-fqcn", b"a.b.NoSuchOrder"),
            ("kafka_dlt-exception-message", b"no order"),
            ("kafka_dlt-exception-stacktrace", b"at a.b.C"),
        )
    )

    assert note.origin == Origin("orders", 2, 45, 1_700_000_000_000, "billing")
    assert note.cause == Cause("a.b.NoSuchOrder", "no order", "at a.b.C")


def test_connect_dead_letters_are_read() -> None:
    note = any_death_of(
        (
            ("__connect.errors.topic", b"orders"),
            ("__connect.errors.partition", b"5"),
            ("__connect.errors.offset", b"77"),
            ("__connect.errors.connector.name", b"s3-sink"),
            ("__connect.errors.exception.class.name", b"a.DataException"),
            ("__connect.errors.exception.message", b"bad"),
            ("__connect.errors.exception.stacktrace", b"at a"),
        )
    )

    assert note.origin == Origin("orders", 5, 77, None, "s3-sink")
    assert note.cause == Cause("a.DataException", "bad", "at a")


def test_streams_dead_letters_are_read() -> None:
    note = any_death_of(
        (
            ("__streams.errors.topic", b"orders"),
            ("__streams.errors.partition", b"0"),
            ("__streams.errors.offset", b"3"),
            ("__streams.errors.exception", b"a.E"),
            ("__streams.errors.message", b"bad"),
            ("__streams.errors.stacktrace", b"at a"),
        )
    )

    assert (note.origin, note.cause.class_name) == (Origin("orders", 0, 3), "a.E")


def test_share_group_dead_letters_are_read() -> None:
    note = any_death_of(
        (
            ("__dlq.errors.topic", b"orders"),
            ("__dlq.errors.partition", b"1"),
            ("__dlq.errors.offset", b"8"),
            ("__dlq.errors.group", b"share"),
            ("__dlq.errors.delivery.count", b"5"),
            ("__dlq.errors.message", b"Offset rejected by client."),
        )
    )

    assert (note.origin, note.attempt) == (Origin("orders", 1, 8, None, "share"), 5)
    assert note.cause.message == "Offset rejected by client."


def test_damaged_numbers_leave_the_origin_unknown() -> None:
    note = any_death_of(
        (("__dlq.errors.topic", b"orders"), ("__dlq.errors.partition", b"\xff\xfe\xfd"))
    )

    assert note.origin is None
