"""Every kind of document ends as it must: read and found, failed for its reason, or refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.conftest import Admit

from docyard import ApiError, Client, Document, Upload
from docyard_stack import samples
from docyard_stack.samples import Outcome, Sample

pytestmark = pytest.mark.e2e

LIMIT_S = 300


@dataclass(frozen=True)
class Delivered:
    """Every sample, uploaded by one person, and what became of it."""

    client: Client
    samples: list[Sample]
    documents: dict[str, Document]
    refusals: dict[str, ApiError]

    def ending(self, outcome: Outcome) -> Iterator[tuple[Sample, Document]]:
        for sample in self.samples:
            if sample.outcome is outcome:
                yield sample, self.documents[sample.name]


@pytest.fixture(scope="module")
def delivered(admit: Admit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    made = samples.every(tmp_path_factory.mktemp("samples"))
    with Client(admit().endpoints) as client:
        ids: dict[str, str] = {}
        refusals: dict[str, ApiError] = {}
        for sample in made:
            try:
                ids[sample.name] = client.upload(_upload(sample)).document_id
            except ApiError as error:
                refusals[sample.name] = error
        ended = client.wait(ids.values(), timeout_s=LIMIT_S)
        documents = dict(zip(ids, ended, strict=True))
        yield Delivered(client, made, documents, refusals)


def _upload(sample: Sample) -> Upload:
    return Upload(sample.path, content_type=sample.declared_type or sample.media_type)


def test_what_is_sound_completes(delivered: Delivered) -> None:
    states = {
        sample.name: document.state for sample, document in delivered.ending(Outcome.COMPLETED)
    }

    assert len(states) > 15
    assert set(states.values()) == {"completed"}, states


def test_its_text_has_every_word(delivered: Delivered) -> None:
    for sample, document in delivered.ending(Outcome.COMPLETED):
        text = delivered.client.documents.text(document.document_id)
        missing = [word for word in (*sample.words, *sample.page_words) if word not in text]
        assert not missing, sample.name


def test_every_word_of_a_page_is_on_that_page(delivered: Delivered) -> None:
    for sample, document in delivered.ending(Outcome.COMPLETED):
        for number, word in enumerate(sample.page_words[:20], start=1):
            page = delivered.client.documents.page(document.document_id, number)
            assert word in page.text, (sample.name, number)


def test_it_has_as_many_pages_as_it_should(delivered: Delivered) -> None:
    for sample, document in delivered.ending(Outcome.COMPLETED):
        if sample.page_count is not None:
            assert document.pages_total == sample.page_count, sample.name


def test_its_language_is_known(delivered: Delivered) -> None:
    for sample, document in delivered.ending(Outcome.COMPLETED):
        if sample.language is not None:
            found = delivered.client.documents.metadata(document.document_id)
            assert found.language == sample.language, sample.name


def test_a_word_is_found_in_its_document_on_its_page(delivered: Delivered) -> None:
    for sample, document in delivered.ending(Outcome.COMPLETED):
        for number, word in list(enumerate(sample.page_words, start=1))[:3]:
            hits = delivered.client.search(word, mode="text").items
            assert hits, (sample.name, word)
            assert hits[0].document_id == document.document_id
            assert hits[0].page_first <= number <= hits[0].page_last, sample.name


def test_the_original_comes_back_byte_for_byte(delivered: Delivered, tmp_path: Path) -> None:
    for sample, document in delivered.ending(Outcome.COMPLETED):
        target = tmp_path / sample.name
        delivered.client.documents.download(document.document_id, target)
        assert target.read_bytes() == sample.path.read_bytes(), sample.name


def test_what_is_broken_fails_for_its_own_reason(delivered: Delivered) -> None:
    found = {
        sample.name: (document.state, document.error and document.error.code)
        for sample, document in delivered.ending(Outcome.FAILED)
    }
    promised = {
        sample.name: ("failed", str(sample.reason))
        for sample, _ in delivered.ending(Outcome.FAILED)
    }

    assert found == promised


def test_what_is_refused_is_refused_by_name_and_leaves_nothing(delivered: Delivered) -> None:
    refused = [sample for sample in delivered.samples if sample.outcome is Outcome.REFUSED]

    assert {sample.name: str(sample.reason).upper() for sample in refused} == {
        name: error.code for name, error in delivered.refusals.items()
    }
    listed = {document.filename for document in delivered.client.documents.list(limit=200).items}
    assert listed.isdisjoint(sample.name for sample in refused)
