"""A fake Docyard per test, and clients and commands that speak to it."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from tests.unit.client.fake_docyard import TOKEN, FakeDocyard, running
from typer.testing import CliRunner, Result

from docyard import AsyncClient, Endpoints, RetryPolicy
from docyard.cli.app import app

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


@pytest.fixture
def run(fake: FakeDocyard, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command in this process, with streams of the encoding *charset*."""
    monkeypatch.setenv("DOCYARD_URL", fake.url)
    monkeypatch.setenv("DOCYARD_TOKEN", TOKEN)

    def run(*arguments: str, charset: str = "utf-8") -> Result:
        return CliRunner(charset=charset).invoke(app, list(arguments))

    return run
