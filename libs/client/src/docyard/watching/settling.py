"""Makes the end of a document true everywhere before it is told.

Streams and documents are two projections of the same facts; either may be a moment ahead.
"""

import asyncio

from docyard.errors import DocyardError
from docyard.models import Progress
from docyard.resources.documents import Documents

TRIES = 100
INTERVAL_S = 0.05


async def settled(documents: Documents, update: Progress) -> None:
    """Return once a read of the document shows *update*, which ends it, or something newer.

    So whoever was told `completed` reads `completed`. A read that fails, or lags for five seconds,
    holds nobody back: the end is true all the same.
    """
    for _ in range(TRIES):
        try:
            document = await documents.get(update.document_id)
        except DocyardError:
            return
        if document.seq >= update.seq:
            return
        await asyncio.sleep(INTERVAL_S)
