"""What this service refuses; the API makes problem documents of it."""

from uuid import UUID

from docyard_common.errors import DocyardError


class NotFoundError(DocyardError):
    """There is no such thing, or it is somebody else's."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")
        self.what = what


class StateForbidsError(DocyardError):
    """The entry or replay is in a state in which this can not be done."""

    def __init__(self, what: str, *, state: str, wanted: str) -> None:
        super().__init__(f"The {what} is {state}: it can not be {wanted}.")
        self.state = state


class KeyReusedError(DocyardError):
    """The idempotency key belongs to another order."""

    def __init__(self, replay_id: UUID) -> None:
        super().__init__("This Idempotency-Key was used for another replay.")
        self.replay_id = replay_id


class EditRefusedError(DocyardError):
    """The edited value is not what the stage of the entry takes."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class NotReplayableError(DocyardError):
    """The entry can not be sent by this replay; *because* is what its item says."""

    because = ""


class StageNotReachedError(NotReplayableError):
    """The document failed before the stage that the replay is to begin with."""

    because = "stage_not_reached"


class RecordTooLargeError(NotReplayableError):
    """The record is larger than the topic of its stage takes: it can only be edited."""

    because = "too_large"
