"""What every refusal is."""

from typing import ClassVar

from docyard_common.errors import DocyardError


class RefusedError(DocyardError):
    """A request that is not done; the message is a sentence for the person who sent it."""

    code: ClassVar[str]

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
