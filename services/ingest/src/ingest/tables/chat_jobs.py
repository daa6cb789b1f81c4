"""The table `chat_jobs`: what was asked about an upload, and what was answered.

A row is gone with its document.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from docyard_common.database import Transaction

_INSERT: Final = """
insert into chat_jobs (job_id, session_id, message, reference_ids) values (%s, %s, %s, %s)
on conflict do nothing
"""
_CLAIM: Final = """
update chat_jobs set answering_until = %(until)s
where job_id = %(job_id)s and answer is null
    and (answering_until is null or answering_until < %(now)s)
"""


@dataclass(frozen=True)
class ChatQuestion:
    """What somebody asked when they uploaded a document."""

    session_id: str
    message: str | None
    references: Sequence[UUID]  # documents uploaded before that may answer as well


@dataclass(frozen=True)
class ChatJob:
    """A question, and its answer once there is one."""

    question: ChatQuestion
    answer: dict[str, Any] | None


async def insert(tx: Transaction, job_id: UUID, question: ChatQuestion) -> None:
    """Keep a question about a document. Idempotent."""
    await tx.execute(
        _INSERT,
        (job_id, question.session_id, question.message, list(question.references)),
    )


async def find(tx: Transaction, job_id: UUID) -> ChatJob | None:
    cursor = await tx.execute("select * from chat_jobs where job_id = %s", (job_id,))
    row = await cursor.fetchone()
    if row is None:
        return None
    question = ChatQuestion(row["session_id"], row["message"], row["reference_ids"])
    return ChatJob(question, row["answer"])


async def claim(tx: Transaction, job_id: UUID, *, now: datetime, until: datetime) -> bool:
    """Take the work of answering until *until*; False while another has it, or it is done."""
    cursor = await tx.execute(_CLAIM, {"job_id": job_id, "now": now, "until": until})
    return cursor.rowcount == 1


async def save(tx: Transaction, job_id: UUID, answer: dict[str, Any]) -> None:
    """Keep the answer, unless there is one; nothing happens where the document is gone."""
    await tx.execute(
        "update chat_jobs set answer = %s where job_id = %s and answer is null",
        (Jsonb(answer), job_id),
    )
