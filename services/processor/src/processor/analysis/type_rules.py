"""What speaks for each type of document, as a table: a name, a weight, and what to look for.

Weights are chances that the type is right when nothing but this rule fired. Words are those of
English, German, French, Spanish and Italian papers; every pattern is linear in the text.
"""

import re
from dataclasses import dataclass
from typing import Final

from docyard_common.analysis import DocumentType
from docyard_common.media_types import MediaType


@dataclass(frozen=True)
class TextRule:
    """Fires where *pattern* stands *times* times; in the first lines only, if *head*."""

    name: str
    document_type: DocumentType
    weight: float
    pattern: re.Pattern[str]
    times: int = 1
    head: bool = False


def _rule(
    document_type: DocumentType,
    name: str,
    weight: float,
    pattern: str,
    *,
    times: int = 1,
    head: bool = False,
) -> TextRule:
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    return TextRule(f"{document_type}.{name}", document_type, weight, compiled, times, head)


def _title(document_type: DocumentType, weight: float, words: str) -> TextRule:
    """Return the rule that one of *words* begins a short line at the top."""
    pattern = rf"^[ \t#*]*(?:\w+[ \t]){{0,2}}(?:{words})\b[^\n]{{0,60}}$"
    return _rule(document_type, "title", weight, pattern, head=True)


_T = DocumentType

TEXT_RULES: Final = (
    _title(
        _T.INVOICE,
        0.6,
        r"invoice|tax invoice|rechnung|facture"
        r"|factura|fattura|receipt|quittung",
    ),
    _rule(
        _T.INVOICE,
        "number",
        0.6,
        r"\b(?:invoice (?:no|number|date|#)|rechnungs(?:nummer|-?nr|datum)|(?:n°|numéro) de facture"
        r"|n[úu]mero de factura|numero fattura)",
    ),
    _rule(
        _T.INVOICE,
        "total",
        0.35,
        r"\b(?:amount due|total due|balance due|sub-?total|grand total|gesamtbetrag|rechnungsbetrag"
        r"|zwischensumme|nettobetrag|bruttobetrag|zahlbar bis|montant (?:ttc|ht)|total a pagar)",
    ),
    _rule(
        _T.INVOICE,
        "tax",
        0.25,
        r"\b(?:vat|mwst|mehrwertsteuer|ust-?id|umsatzsteuer|tva|iva|sales tax|gst)\b",
    ),
    _rule(
        _T.INVOICE,
        "payment",
        0.2,
        r"\b(?:iban|bic|swift|payment terms"
        r"|zahlungsziel|due date)\b",
    ),
    _title(
        _T.CONTRACT,
        0.6,
        r"(?:\w*contract|\w*agreement|\w*vertrag|contrat|contrato|contratto|vereinbarung|lease"
        r"|terms (?:of|and) \w+)",
    ),
    _rule(
        _T.CONTRACT,
        "parties",
        0.45,
        r"\b(?:by and between|hereinafter|between the parties|the parties (?:hereto|agree)"
        r"|nachfolgend|im folgenden|vertragsparteien|ci-après|en adelante)\b",
    ),
    _rule(
        _T.CONTRACT,
        "clauses",
        0.35,
        r"\b(?:governing law|termination|severability|indemnif\w+|force majeure|confidentiality"
        r"|entire agreement|kündigungsfrist|gerichtsstand|salvatorische klausel|haftung"
        r"|vertragslaufzeit|résiliation)\b",
        times=2,
    ),
    _rule(_T.CONTRACT, "sections", 0.2, r"^[ \t]*§[ \t]?\d+", times=2),
    _rule(
        _T.CONTRACT,
        "signatures",
        0.2,
        r"\b(?:in witness whereof|signed by|unterschrift\w*|ort, datum|lu et approuvé)\b",
    ),
    _rule(
        _T.LETTER,
        "salutation",
        0.5,
        r"^[ \t]*(?:dear (?!all\b)[\w.]|sehr geehrte"
        r"|lieber? \w+,|guten tag|cher |chère |madame, monsieur"
        r"|estimad[oa]|gentile|to whom it may concern)",
    ),
    _rule(
        _T.LETTER,
        "closing",
        0.45,
        r"^[ \t]*(?:yours (?:sincerely|faithfully|truly)"
        r"|sincerely|kind regards|best regards|regards,"
        r"|mit (?:freundlichen|besten) grüßen"
        r"|mit freundlichen gruessen|hochachtungsvoll|freundliche grüsse"
        r"|cordialement|veuillez agréer|atentamente|cordiali saluti)",
    ),
    _rule(
        _T.LETTER,
        "subject",
        0.15,
        r"^[ \t]*(?:re|betreff|betr\."
        r"|objet|subject)[ \t]*:",
        head=True,
    ),
    _rule(
        _T.EMAIL,
        "head",
        0.8,
        r"^(?:from|von|de)[ \t]*:[^\n]{1,300}\n(?:[^\n]{0,300}\n){0,6}(?:to"
        r"|an|sent|gesendet|date|subject"
        r"|betreff)[ \t]*:",
        head=True,
    ),
    _title(
        _T.REPORT,
        0.5,
        r"\w*report|\w*bericht|rapport|informe|relazione|white ?paper|case study|gutachten",
    ),
    _rule(
        _T.REPORT,
        "parts",
        0.35,
        r"^[ \t#]*(?:\d+(?:\.\d+)*\.?[ \t]+)?(?:executive summary|table of contents|recommendations"
        r"|findings|methodology|conclusions?|inhaltsverzeichnis|zusammenfassung|ergebnisse|fazit"
        r"|empfehlungen|sommaire|conclusiones)\b",
        times=2,
    ),
    _rule(_T.REPORT, "summary", 0.3, r"^[ \t#]*(?:executive summary|management summary)\b"),
    _rule(_T.ARTICLE, "abstract", 0.45, r"^[ \t#]*(?:abstract|kurzfassung|résumé)\b", head=True),
    _rule(
        _T.ARTICLE,
        "references",
        0.4,
        r"^[ \t#\d.]*(?:references|bibliography"
        r"|literatur(?:verzeichnis)?)[ \t]*$",
    ),
    _rule(_T.ARTICLE, "citations", 0.35, r"\[\d{1,3}(?:, ?\d{1,3})*\]|\bet al\.", times=4),
    _rule(_T.ARTICLE, "identifier", 0.3, r"\b(?:doi:|doi\.org/|arxiv:|issn)\b"),
    _rule(_T.ARTICLE, "byline", 0.3, r"^[ \t]*(?:by|von|par) [A-ZÄÖÜ][^\n]{2,60}$", head=True),
    _rule(
        _T.CV,
        "title",
        0.65,
        r"^[ \t#*]*(?:curriculum vit[aæ]e?|lebenslauf|résumé|resume|cv)\b[^\n]{0,40}$",
        head=True,
    ),
    _rule(
        _T.CV,
        "parts",
        0.55,
        r"^[ \t#*]*(?:work experience|professional experience|employment history|education|skills"
        r"|languages|references|berufserfahrung"
        r"|beruflicher werdegang|ausbildung|kenntnisse|sprachen"
        r"|bildungsweg|formation|expérience professionnelle|compétences)[ \t]*:?[ \t]*$",
        times=2,
    ),
    _rule(
        _T.CV,
        "birth",
        0.2,
        r"\b(?:date of birth|geburtsdatum|geboren am"
        r"|nationality|staatsangehörigkeit)\b",
    ),
    _title(
        _T.FORM,
        0.4,
        r"(?:\w*form|\w*formular|antrag\w*|application"
        r"|questionnaire|fragebogen|formulaire)",
    ),
    _rule(_T.FORM, "blanks", 0.45, r"_{4,}|\.{8,}|☐|□|\[[ _x]\]", times=4),
    _rule(
        _T.FORM,
        "requests",
        0.35,
        r"\b(?:please (?:print|complete|fill)|check (?:one"
        r"|all)|tick the|bitte (?:ausfüllen|ankreuzen)"
        r"|zutreffendes ankreuzen|à remplir)\b",
    ),
    _title(
        _T.MANUAL,
        0.6,
        r"(?:user|owner|installation"
        r"|reference) (?:guide|manual)|handbook|tutorial"
        r"|bedienungsanleitung|benutzerhandbuch"
        r"|gebrauchsanweisung|anleitung|mode d'emploi|manual de",
    ),
    _rule(
        _T.MANUAL,
        "steps",
        0.3,
        r"^[ \t]*(?:\d+[.)]|step \d+:?|schritt \d+:?)[ \t]+(?:click"
        r"|press|open|select|enter|install|remove"
        r"|connect|turn|klicken|drücken|öffnen|wählen)\b",
        times=3,
    ),
    _title(
        _T.MINUTES,
        0.6,
        r"minutes|meeting notes|protokoll|sitzungsprotokoll"
        r"|besprechungsprotokoll|procès-verbal",
    ),
    _rule(
        _T.MINUTES,
        "parts",
        0.45,
        r"\b(?:attendees|present:|apologies|action items?"
        r"|anwesend|teilnehmer(?:innen)?:|tagesordnung"
        r"|agenda|top \d)\b",
        times=2,
    ),
    _rule(
        _T.SOURCE_CODE,
        "statements",
        0.6,
        r"^[ \t]*(?:def \w+\(|class \w+[:({]|import \w+"
        r"|from \w+ import|#include|func \w+\(|fn \w+\("
        r"|public (?:class|static|void)|function \w*\("
        r"|const \w+ ?=|let \w+ ?=|package \w+;|using \w+;"
        r"|select .{1,80} from\b|create table)",
        times=3,
    ),
    _rule(_T.SOURCE_CODE, "punctuation", 0.5, r"[;{}][ \t]*$", times=12),
    _rule(_T.SOURCE_CODE, "shebang", 0.7, r"\A#!/"),
)

MEDIA_TYPES: Final[dict[MediaType, tuple[DocumentType, float]]] = {
    MediaType.EML: (_T.EMAIL, 0.97),
    MediaType.MSG: (_T.EMAIL, 0.97),
    MediaType.PPTX: (_T.PRESENTATION, 0.95),
    MediaType.ODP: (_T.PRESENTATION, 0.95),
    MediaType.XLSX: (_T.TABLE, 0.85),
    MediaType.ODS: (_T.TABLE, 0.85),
    MediaType.CSV: (_T.TABLE, 0.95),
    MediaType.TSV: (_T.TABLE, 0.95),
    MediaType.JSON: (_T.DATA, 0.9),
    MediaType.NDJSON: (_T.DATA, 0.9),
    MediaType.XML: (_T.DATA, 0.7),
}
"""What the format alone says."""
