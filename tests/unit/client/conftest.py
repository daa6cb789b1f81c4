"""A fake Docyard per test, and clients that speak to it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from tests.unit.client.fake_docyard import TOKEN, FakeDocyard, running

from docyard import AsyncClient, Endpoints, RetryPolicy

AT_ONCE = RetryPolicy(attempts=3, first_delay_s=0.0)


@pytest.fixture
def fake() -> Iterator[FakeDocyard]:
    with running() as fake:
        yield fake


@pytest.fixture
def endpoints(fake: FakeDocyard) -> Endpoints:
    return Endpoints(fake.url, fake.url, fake.url, token=TOKEN)


@pytest_asyncio.fixture
async def client(endpoints: Endpoints) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(endpoints, retry=AT_ONCE) as client:
        yield client
