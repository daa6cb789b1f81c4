"""Decides what a stack consists of: which servers it starts, what each service is told."""

from collections.abc import Mapping
from dataclasses import dataclass

from docyard_stack import services, tokens
from docyard_stack.addresses import ObjectStoreAddress, StackAddresses
from docyard_stack.environment import Endpoints, GivenServers, for_services
from docyard_stack.folder import StackFolder
from docyard_stack.kafka.jars import DownloadProgress
from docyard_stack.object_store import StoreListener
from docyard_stack.part import Part
from docyard_stack.parts import ServerParts
from docyard_stack.record import PartRecord, PartState, StackRecord
from docyard_stack.services import Service


@dataclass(frozen=True)
class Plan:
    """The parts in the order of their start, and where they will be reached."""

    servers: tuple[Part, ...]
    services: tuple[Part, ...]
    addresses: StackAddresses

    @property
    def tiers(self) -> tuple[tuple[Part, ...], ...]:
        """Servers first: a service without them would only wait."""
        return (self.servers, self.services)


def make_plan(
    folder: StackFolder,
    record: StackRecord,
    environment: Mapping[str, str],
    progress: DownloadProgress,
) -> Plan:
    """Build the plan; ports, and parts that are external, are noted in *record*.

    Raises StackError when the environment asks for what can not be.
    """
    given = GivenServers.of(environment)
    own = ServerParts.of(folder.path, record, progress, listener=_listener(record, environment))
    endpoints = _endpoints(given, own, record)
    key = tokens.secret(record, environment)
    told = for_services(
        environment,
        endpoints,
        auth_secret=key,
        store_events_token=record.keys.store_events_token,
    )
    planned = {
        name: Service(
            name,
            folder=folder.path,
            ports=record.ports_of(name, services.PORTS),
            settings=told,
        )
        for name in services.MODULES
    }
    record.parts = {
        part.name: PartRecord(state=PartState.EXTERNAL)
        for part, address in _choices(given, own)
        if address is not None
    }
    return Plan(
        servers=tuple(part for part, address in _choices(given, own) if address is None),
        services=tuple(planned.values()),
        addresses=_addresses(folder, endpoints, planned, key),
    )


def _listener(record: StackRecord, environment: Mapping[str, str]) -> StoreListener:
    port, _ = record.ports_of("ingest", services.PORTS)
    return StoreListener(
        url=f"http://127.0.0.1:{port}/internal/store-events",
        token=record.keys.store_events_token,
        bucket=environment.get("OBJECT_STORE__BUCKET") or "docyard",
    )


def _choices(given: GivenServers, own: ServerParts) -> tuple[tuple[Part, object | None], ...]:
    """Pair each server of our own with the one that the environment gives instead."""
    return (
        (own.postgres, given.database_url),
        (own.object_store, given.object_store),
        (own.kafka, given.kafka),
    )


def _endpoints(given: GivenServers, own: ServerParts, record: StackRecord) -> Endpoints:
    return Endpoints(
        kafka=given.kafka or own.kafka.bootstrap_servers,
        database_url=given.database_url or own.postgres.url,
        object_store=given.object_store
        or ObjectStoreAddress(
            endpoint=own.object_store.endpoint,
            access_key=record.keys.access_key,
            secret_key=record.keys.secret_key,
        ),
    )


def _addresses(
    folder: StackFolder, endpoints: Endpoints, planned: Mapping[str, Service], key: str
) -> StackAddresses:
    return StackAddresses(
        data=str(folder.path),
        ingest=planned["ingest"].url,
        notifier=planned["notifier"].url,
        dlq_admin=planned["dlq-admin"].url,
        metrics={name: service.metrics_url for name, service in planned.items()},
        kafka=endpoints.kafka,
        database=endpoints.database_url,
        object_store=endpoints.object_store,
        token=tokens.development_token(key, subject="developer"),
        operator_token=tokens.development_token(key, subject="operator", roles=("operator",)),
    )
