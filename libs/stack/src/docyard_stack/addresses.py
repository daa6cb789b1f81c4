"""Where a running stack is reached, as `docyard up --json` prints it and the client reads it."""

from pydantic import BaseModel


class ObjectStoreAddress(BaseModel):
    """The S3 store; `endpoint` is `host:port`."""

    endpoint: str
    access_key: str
    secret_key: str


class StackAddresses(BaseModel):
    """Everything that a person or a program needs to use the stack."""

    data: str
    ingest: str
    notifier: str
    dlq_admin: str
    metrics: dict[str, str]
    kafka: str
    database: str
    object_store: ObjectStoreAddress
    token: str
    operator_token: str

    def for_client(self) -> str:
        """Return the content of `client.json`: what the command line and the SDK need."""
        wanted = {"ingest", "notifier", "dlq_admin", "token", "operator_token"}
        return self.model_dump_json(include=wanted, indent=2)
