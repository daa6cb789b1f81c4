"""What the connections of a process share."""

from dataclasses import dataclass

from docyard_common.auth import Verifier
from docyard_common.clock import Clock
from notifier.arrivals import Arrivals
from notifier.cancelling import Cancelling
from notifier.connections import Connections
from notifier.hub import Hub
from notifier.recovery import Recovery
from notifier.settings import NotifierSettings


@dataclass(frozen=True, kw_only=True)
class Live:
    """Put together once, in `app`."""

    settings: NotifierSettings
    clock: Clock
    verifier: Verifier
    connections: Connections
    hub: Hub
    recovery: Recovery
    arrivals: Arrivals
    cancelling: Cancelling
