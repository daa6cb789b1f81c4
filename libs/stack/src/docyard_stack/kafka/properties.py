"""Settings of a one-node broker: it starts fast, stays small, loses nothing by a kill -9."""

from typing import Final

_HOST: Final = "127.0.0.1"

_ONE_NODE: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "2",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
    "group.initial.rebalance.delay.ms": "0",
}

# A start after kill -9 waits until the session of the killed broker ends. The default of 9 s costs
# ten seconds; below 6 s an overloaded machine fences its own node.
_FAST_RESTART: Final = {
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
    "controller.quorum.fetch.timeout.ms": "4000",
    "controller.quorum.election.timeout.ms": "1000",
}

_SMALL: Final = {
    "num.network.threads": "2",
    "num.io.threads": "4",
    "num.replica.fetchers": "1",
    "num.recovery.threads.per.data.dir": "2",
    "background.threads": "2",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.io.buffer.size": "262144",
    "log.segment.bytes": "67108864",
    # Each segment's two indexes are preallocated: at the default of 10 MiB they fill a small disk.
    "log.index.size.max.bytes": "1048576",
    "queued.max.requests": "100",
    "message.max.bytes": "4194304",
    "replica.fetch.max.bytes": "4194304",
}


def text(*, port: int, controller_port: int, log_folder: str) -> str:
    """Return the broker's `server.properties`.

    *log_folder* is relative to where the broker runs, and ASCII: Kafka reads this file as Latin-1,
    splits folders at commas, and takes a backslash for an escape.
    """
    settings = {
        **_ONE_NODE,
        **_FAST_RESTART,
        **_SMALL,
        "listeners": f"PLAINTEXT://{_HOST}:{port},CONTROLLER://{_HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{_HOST}:{port}",
        "controller.quorum.bootstrap.servers": f"{_HOST}:{controller_port}",
        "log.dirs": log_folder,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
