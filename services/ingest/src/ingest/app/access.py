"""Who may come in, how often, and how much an owner may keep."""

from fastapi import APIRouter

from docyard_common.api_keys import KeyedVerifier, PostgresApiKeys
from docyard_common.auth import TokenVerifier
from docyard_common.rate_limits.limiter import RateLimiter
from ingest.api.keys import ApiKeyRoutes
from ingest.api.limits import LimitRoutes
from ingest.api.rates import RateChooser
from ingest.app.servers import Servers
from ingest.limits.admission import Admission
from ingest.limits.keeper import LimitKeeper
from ingest.limits.source import LimitSource
from ingest.settings import IngestSettings


class Access:
    """Tokens and keys, rates, limits and quotas."""

    def __init__(self, settings: IngestSettings, servers: Servers) -> None:
        self._settings = settings
        self._servers = servers
        database, clock = servers.database, servers.clock
        self._keys = PostgresApiKeys(database)
        self._limits = LimitSource(database=database, settings=settings.limits)
        self.verifier = KeyedVerifier(TokenVerifier(settings.auth), keys=self._keys, clock=clock)
        self.admission = Admission(source=self._limits, database=database, clock=clock)
        shared = settings.limits.shared_url
        self.limiter = RateLimiter(shared_url=shared.get_secret_value() if shared else None)
        self.rates = RateChooser(source=self._limits)

    def routers(self) -> list[APIRouter]:
        database, clock = self._servers.database, self._servers.clock
        keeper = LimitKeeper(database=database, source=self._limits, clock=clock)
        return [
            ApiKeyRoutes(keys=self._keys, clock=clock).router(),
            LimitRoutes(
                admission=self.admission, keeper=keeper, settings=self._settings.limits
            ).router(),
        ]
