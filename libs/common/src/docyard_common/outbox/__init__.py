"""The only way to publish a fact or work: written with what it tells, relayed to Kafka after."""

from docyard_common.outbox.relay import Relay
from docyard_common.outbox.schema import CREATE_OUTBOX
from docyard_common.outbox.store import Outbox

__all__ = ["CREATE_OUTBOX", "Outbox", "Relay"]
