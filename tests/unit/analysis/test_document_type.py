"""Papers as people write them, and what they are called."""

import pytest

from docyard_common.analysis import Classification
from docyard_common.media_types import MediaType
from processor.analysis.document_type import TypeFinder

INVOICE = "Acme GmbH\nInvoice\nInvoice no. 2024-17\n2 widgets\nSubtotal 20.00 €\nVAT 19 % 3.80 €\n"
RECHNUNG = (
    "Acme GmbH\nRechnung Nr. 17\nRechnungsdatum: 3.4.2024\nMwSt. 19 %\nGesamtbetrag 23,80 €\n"
)
CONTRACT = (
    "LEASE AGREEMENT\nThis agreement is made by and between Ann and Bob, hereinafter the parties.\n"
    "1. Termination\n2. Governing law\n"
)
VERTRAG = (
    "Mietvertrag\nzwischen Anna und Bernd, nachfolgend Vermieter.\n§ 1 Mietsache\n§ 2 Haftung\n"
)
LETTER = (
    "Zurich, 3 May\n\nDear Ms Lovelace,\n\nthank you for the notes.\n\nYours sincerely,\nC. Babbage"
)
BRIEF = "Sehr geehrte Frau Muster,\n\nanbei die Unterlagen.\n\nMit freundlichen Grüßen\nA. Meier"
REPORT = "Annual Report 2024\n\nExecutive Summary\nSales rose.\n\nFindings\nAll is well.\n"
BERICHT = "Jahresbericht 2024\n\nZusammenfassung\nGut.\n\nEmpfehlungen\nWeiter so.\n"
ARTICLE = (
    "On coils\nAbstract\nWe show [1], as Li et al. did [2, 3], that [4] holds [5].\nReferences\n"
)
LEBENSLAUF = "Lebenslauf\nGeboren am 1.1.1990\nBerufserfahrung\nKoch\nAusbildung\nLehre\nSprachen\n"
CODE = (
    "import os\nimport sys\n\ndef main():\n    pass\n\nclass A:\n    def b(self):\n        pass\n"
)
FORM = "Application form\nPlease complete in ink.\nName ______ Age ______ Town ______ Date ______\n"
MINUTES = "Minutes of the meeting\nAttendees: Ann, Bob\nAgenda\nAction items: none\n"


def found(text: str, *, content_type: str | None = None) -> Classification | None:
    finder = TypeFinder(content_type)
    finder.add(text, width=None, height=None)
    return finder.classification()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INVOICE, "invoice"), (RECHNUNG, "invoice"), (CONTRACT, "contract"), (VERTRAG, "contract"),
        (LETTER, "letter"), (BRIEF, "letter"), (REPORT, "report"), (BERICHT, "report"),
        (ARTICLE, "article"), (LEBENSLAUF, "cv"), (CODE, "source_code"), (FORM, "form"),
        (MINUTES, "minutes"),
    ],
)  # fmt: skip
def test_a_paper_is_called_what_it_is(text: str, expected: str) -> None:
    classification = found(text)

    assert classification is not None
    assert classification.document_type == expected
    assert 0.5 < classification.confidence <= 1
    assert all(rule.startswith(f"{expected}.") for rule in classification.rules)


def test_the_rules_that_fired_are_told_the_strongest_first() -> None:
    classification = found(INVOICE)

    assert classification is not None
    assert classification.rules == (
        "invoice.title", "invoice.number", "invoice.total", "invoice.tax",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "The lighthouse keeper watched the harbour.", "a,b\n1,2\n"])
def test_where_nothing_speaks_for_a_type_none_is_told(text: str) -> None:
    assert found(text) is None


def test_the_format_says_what_words_do_not() -> None:
    mail = found("hello", content_type=MediaType.EML)
    table = found("hello", content_type=MediaType.CSV)

    assert mail is not None
    assert (mail.document_type, mail.rules) == ("email", ("email.format",))
    assert table is not None
    assert table.document_type == "table"


def test_what_speaks_for_another_type_takes_away_confidence() -> None:
    alone, disputed = found(LETTER), found(f"Invoice\n{LETTER}")

    assert alone is not None
    assert disputed is not None
    assert disputed.confidence < alone.confidence


def test_wide_pages_with_few_words_are_slides_and_with_many_are_not() -> None:
    for characters, expected in ((200, "presentation"), (3_000, None), (0, None)):
        finder = TypeFinder(MediaType.PDF)
        for _ in range(5):
            finder.add("x" * characters, width=960, height=540)
        classification = finder.classification()
        assert (classification and classification.document_type) == expected, characters
