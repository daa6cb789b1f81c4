"""What the routes work with; `app` puts it together."""

from dataclasses import dataclass

from dlq_admin.api.reading import Reading
from dlq_admin.replaying.edits import Entries
from dlq_admin.replaying.orders import Orders
from dlq_admin.replaying.runner import Runner
from dlq_admin.stages import Stages
from docyard_common.observability.health import Health


@dataclass(frozen=True)
class Services:
    """The handlers behind the routes."""

    reading: Reading
    orders: Orders
    entries: Entries
    stages: Stages
    runner: Runner
    health: Health
