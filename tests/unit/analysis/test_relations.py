"""Which things are named together, and where."""

from docyard_common.analysis import Relation, entity_id, relation_id
from docyard_common.artifacts import Page
from processor.analysis.entities import EntityCollector
from processor.analysis.relations import RelationCollector


def related(*texts: str) -> tuple[Relation, ...]:
    entities, relations = EntityCollector(), RelationCollector()
    for number, text in enumerate(texts, start=1):
        page = Page(number=number, text=text)
        relations.add(page, entities.add(page))
    return relations.relations(entities.entities())


def ends(relation: Relation) -> set[str]:
    return {relation.source.text, relation.target.text}


def test_a_sentence_relates_what_it_names_with_the_place_where_it_does() -> None:
    text = "Nothing here. Yesterday Dr. Ada Lovelace joined Acme Widgets Inc as a fellow. The end."

    (relation,) = related("Another page.", text)

    assert ends(relation) == {"Ada Lovelace", "Acme Widgets Inc"}
    assert (relation.window, relation.count, relation.weight) == ("sentence", 1, 1.0)
    (place,) = relation.evidence
    assert place.page == 2
    assert text[place.start : place.end] == "Ada Lovelace joined Acme Widgets Inc"
    assert "Ada Lovelace joined Acme Widgets Inc as a fellow" in place.snippet


def test_what_is_named_together_often_comes_first_and_by_others_weighs_less() -> None:
    together = "Dr. Ada Lovelace wrote to Prof. Charles Babbage. "
    once = "Dr. Ada Lovelace saw Berlin. "

    first, second = related(together * 3 + once)[:2]

    assert (first.count, second.count) == (3, 1)
    assert ends(first) == {"Ada Lovelace", "Charles Babbage"}
    assert second.weight == round(2 * 1 / (4 + 1), 4)


def test_people_of_one_page_are_related_where_no_sentence_does_it() -> None:
    (relation,) = related("Dr. Ada Lovelace came. It rained. Prof. Charles Babbage went.")

    assert (relation.window, relation.count) == ("page", 1)
    assert relation.weight == 0.5
    assert relation.evidence[0].snippet.startswith("Dr. Ada Lovelace came.")


def test_dates_and_amounts_are_related_to_names_and_not_to_each_other() -> None:
    assert related("On 2024-01-31 it cost 20 EUR. ") == ()

    (relation,) = related("On 2024-01-31 Dr. Ada Lovelace left.")

    assert ends(relation) == {"2024-01-31", "Ada Lovelace"}


def test_a_long_list_does_not_relate_its_ends() -> None:
    filler = "word " * 200
    relations = related(f"Berlin {filler} Madrid")

    assert relations == ()


def test_the_middle_of_a_long_place_is_left_out_of_its_snippet() -> None:
    (relation,) = related(f"Berlin {'word ' * 100} Madrid")
    (place,) = relation.evidence

    assert place.snippet.startswith("Berlin word")
    assert place.snippet.endswith("word Madrid")
    assert len(place.snippet) < 300


def test_a_list_of_everybody_stays_bounded() -> None:
    crowd = ", ".join(f"user{number}@example.org" for number in range(2_000))

    relations = related(crowd)

    assert len(relations) <= 500


def test_spellings_of_one_name_are_one_entity_under_the_usual_one() -> None:
    page = Page(number=1, text="ACME Widgets Inc, Acme Widgets Inc, the Acme Widgets Inc.")
    collector = EntityCollector()
    collector.add(page)

    (entity,) = collector.entities()

    assert (entity.text, entity.key, entity.count) == ("Acme Widgets Inc", "acme widgets", 3)
    first = entity.mentions[0]
    assert page.text[first.start : first.end] == "ACME Widgets Inc"


def test_people_are_known_by_labels_and_addresses() -> None:
    text = (
        "Tenant: Grace van Hopper\nFrom: Alan Turing <alan@a.org>\nAnsprechpartnerin: Emmy Noether"
    )
    collector = EntityCollector()
    collector.add(Page(number=1, text=text))

    people = {entity.text for entity in collector.entities() if entity.kind == "person"}

    assert people == {"Grace van Hopper", "Alan Turing", "Emmy Noether"}


def test_ids_differ_by_owner_and_kind_and_not_by_order() -> None:
    mine = entity_id("ann", "person", "ada")
    assert mine == entity_id("ann", "person", "ada")
    assert len({mine, entity_id("bob", "person", "ada"), entity_id("ann", "place", "ada")}) == 3
    assert entity_id("a", "nperson", "x") != entity_id("an", "person", "x")
    other = entity_id("ann", "person", "bob")
    assert relation_id(mine, other) == relation_id(other, mine)
