"""The table `sync_documents`: which document a file with this content became."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from docyard_common.database import Transaction
from docyard_common.ids import uuid7

_CLAIM: Final = """
insert into sync_documents (owner, source, sha256, document_id) values (%s, %s, %s, %s)
on conflict (owner, source, sha256) do update set owner = excluded.owner
returning document_id
"""
_STANDING: Final = """
select exists (select from documents where document_id = %(id)s) as accepted,
    exists (select from tombstones where document_id = %(id)s) as erased
"""
_RENEW: Final = """
update sync_documents set document_id = %s where owner = %s and source = %s and sha256 = %s
"""
_FORGET: Final = """
delete from sync_documents using tombstones
where tombstones.document_id = sync_documents.document_id and tombstones.erased_at < %s
"""


@dataclass(frozen=True)
class ClaimedDocument:
    """The one id for this content of this file, whoever asks."""

    document_id: UUID
    is_new: bool  # nobody can have stored anything under it
    accepted: bool


async def claim(tx: Transaction, *, owner: str, source: str, sha256: str) -> ClaimedDocument:
    """Return the document for the file *source* (hex SHA-256 of its path) with that content.

    Of several callers at once all get the same id: accepting it is idempotent. A document that
    its owner has deleted gives way to another id.
    """
    key = (owner, source, sha256)
    wanted = uuid7()
    row = await (await tx.execute(_CLAIM, (*key, wanted))).fetchone()
    assert row is not None  # noqa: S101 - it was inserted or updated
    document_id: UUID = row["document_id"]
    if document_id == wanted:
        return ClaimedDocument(wanted, is_new=True, accepted=False)
    standing = await (await tx.execute(_STANDING, {"id": document_id})).fetchone()
    assert standing is not None  # noqa: S101 - it is a row of values
    if standing["erased"]:
        await tx.execute(_RENEW, (wanted, *key))
        return ClaimedDocument(wanted, is_new=True, accepted=False)
    return ClaimedDocument(document_id, is_new=False, accepted=standing["accepted"])


async def forget(tx: Transaction, *, before: datetime) -> None:
    """Remove the claims of documents erased before *before*; call it before their tombstones go.

    Erasing takes the claim along; a replica of a release before that did not.
    """
    await tx.execute(_FORGET, (before,))
