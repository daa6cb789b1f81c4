"""One POST of the chat completions protocol, bounded in time and size, behind a breaker."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import BaseModel, Field, ValidationError

from docyard_common.errors import DependencyUnavailableError, NotAskedError
from docyard_common.language_model.tokens import estimated_tokens
from docyard_common.resilience import CircuitBreaker, guarded
from docyard_common.settings import LanguageModelSettings

DEPENDENCY: Final = "language_model"
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_NOT_CONNECTED: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@dataclass(frozen=True)
class Completion:
    """What the model wrote, never empty, and what it cost."""

    text: str
    tokens: int  # as the server counts; estimated where it does not say


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message


class _Usage(BaseModel):
    total_tokens: int = Field(ge=0)


class _Answer(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


class ChatCompletions:
    """Asks the model of *settings*. Safe to share between tasks; `close` ends its connections.

    A breaker spares the server, and us, when it is away. The key goes to the configured host only,
    and into no log.
    """

    def __init__(self, settings: LanguageModelSettings, *, breaker: CircuitBreaker) -> None:
        self._settings = settings
        self._breaker = breaker
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._client = httpx.AsyncClient(
            timeout=settings.timeout_s,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            follow_redirects=False,
        )

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._settings.model

    async def complete(self, rules: str, data: Mapping[str, Any], *, max_tokens: int) -> Completion:
        """Have the model write, by *rules*, about *data*, which it gets as one JSON value.

        In JSON no text of a document can end the data and begin an instruction. Raises
        DependencyUnavailableError when the model is away, refuses or answers nothing; NotAskedError
        where it is certain that nothing was sent.
        """
        told = json.dumps(data, ensure_ascii=False)
        request = {
            "model": self._settings.model,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": False,
            "messages": [
                {"role": "system", "content": rules},
                {"role": "user", "content": told},
            ],
        }
        async with guarded(self._breaker):
            answer = _decoded(await self._post(request))
            text = _text(answer)
        tokens = answer.usage.total_tokens if answer.usage else estimated_tokens(rules, told, text)
        return Completion(text, tokens)

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, request: dict[str, Any]) -> bytes:
        """Return the body of the answer: read no further than is sensible."""
        url = f"{self._settings.base_url.rstrip('/')}/chat/completions"
        body = b""
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                self._client.stream("POST", url, json=request) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise DependencyUnavailableError(DEPENDENCY, f"status {answer.status_code}")
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _MAX_ANSWER_BYTES:
                        raise DependencyUnavailableError(DEPENDENCY, "its answer has no end")
        except _NOT_CONNECTED as error:
            raise NotAskedError(DEPENDENCY, type(error).__name__) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise DependencyUnavailableError(DEPENDENCY, type(error).__name__) from error
        return body


def _decoded(body: bytes) -> _Answer:
    try:
        return _Answer.model_validate_json(body)
    except ValidationError as error:
        raise DependencyUnavailableError(DEPENDENCY, "its answer has another shape") from error


def _text(answer: _Answer) -> str:
    text = (answer.choices[0].message.content or "").strip() if answer.choices else ""
    if not text:
        raise DependencyUnavailableError(DEPENDENCY, "its answer is empty")
    return text
