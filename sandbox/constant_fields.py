"""Constant values for required fields that no input table contains, such as authors and languages."""

import json
from typing import Any

import polars as pl

from sandbox.api_projection import platform_id

ADMINISTRATOR = platform_id("the platform's administrator")
MAIN_GROUP = platform_id("the platform's main group")
LANGUAGE = "en"


def for_some(key: str, one_in: int, value: object, salt: int = 0) -> pl.Expr:
    """The value in about one of `one_in` rows, chosen by the key's hash; elsewhere null, an absent key."""
    return pl.when(is_chosen(key, one_in, salt)).then(value if isinstance(value, pl.Expr) else pl.lit(value))


def is_chosen(key: str, one_in: int, salt: int = 0) -> pl.Expr:
    return pl.col(key).hash(salt) % one_in == 0


def no_ids() -> pl.Expr:
    """An empty list of ids in each row."""
    return pl.lit(pl.Series([[]], dtype=pl.List(pl.String))).first()


def one_id(id: str) -> pl.Expr:
    return pl.lit(pl.Series([[id]], dtype=pl.List(pl.String))).first()


def as_json(value: Any) -> pl.Expr:
    return pl.lit(json.dumps(value))


def authorship() -> dict[str, pl.Expr]:
    """Author, languages and translations of paths and courses; some are translated."""
    french = {
        "lang": "fr",
        "published": True,
        "translatorIds": [ADMINISTRATOR],
        "translatedFields": {"name": "Une traduction", "description": ""},
    }
    return {
        "authorId": pl.lit(ADMINISTRATOR),
        "groupId": pl.lit(MAIN_GROUP),
        "coAuthorIds": pl.when(is_chosen("_id", 2)).then(one_id(ADMINISTRATOR)).otherwise(no_ids()),
        "defaultLang": pl.lit(LANGUAGE),
        "sourceLang": pl.lit(LANGUAGE),
        "translations:json": pl.when(is_chosen("_id", 3)).then(as_json([french])).otherwise(as_json([])),
    }
