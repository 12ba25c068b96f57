"""How steps came to be defined: what the warehouse makes of definitions that come without dates.

Each extraction has its day and its rows; the expected warehouse is a text table.
"""

from collections.abc import Callable

import pytest

History = Callable[..., None]


def test_definitions_of_the_first_run_are_valid_from_the_beginning(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50"),
        ("6 Mar", "step | min_score \n A | 50"),
        then="step | min_score | from | to \n A | 50 | | ",
    )


def test_a_definition_that_changes(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50 \n B | 50"),
        ("6 Mar", "step | min_score \n A | 60 \n B | 50"),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 6 Mar
        A    | 60        | 6 Mar |
        B    | 50        |       |
        """,
    )


def test_definition_that_loses_a_value_is_a_new_version(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50"),
        ("6 Mar", "step | min_score \n A | -"),
        then="step | min_score | from | to \n A | 50 | | 6 Mar \n A | | 6 Mar | ",
    )


def test_definition_that_changes_back_is_a_new_version(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50"),
        ("6 Mar", "step | min_score \n A | 60"),
        ("7 Mar", "step | min_score \n A | 50"),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 6 Mar
        A    | 60        | 6 Mar | 7 Mar
        A    | 50        | 7 Mar |
        """,
    )


def test_a_step_that_is_removed_and_added_again(history: History) -> None:
    history(
        ("5 Mar", "step \n A \n B"),
        ("6 Mar", "step \n B"),
        ("7 Mar", "step \n B"),
        ("8 Mar", "step \n A \n B"),
        then="""
        step | from  | to
        A    |       | 6 Mar
        A    | 8 Mar |
        B    |       |
        """,
    )


def test_a_new_step_on_a_known_path_and_on_a_new_one(history: History) -> None:
    history(
        ("5 Mar", "path | step \n P | A"),
        ("6 Mar", "path | step \n P | A \n P | B \n Q | A"),
        then="""
        path | step | from  | to
        P    | A    |       |
        P    | B    | 6 Mar |
        Q    | A    |       |
        """,
    )


def test_a_path_that_comes_back_was_away(history: History) -> None:
    history(
        ("5 Mar", "path | step \n P | A \n Q | A"),
        ("6 Mar", "path | step \n P | A"),
        ("7 Mar", "path | step \n P | A \n Q | A"),
        then="""
        path | step | from  | to
        P    | A    |       |
        Q    | A    |       | 6 Mar
        Q    | A    | 7 Mar |
        """,
    )


def test_later_delivery_counts_for_the_same_instant(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50"),
        ("6 Mar", "step | min_score \n A | 60"),
        ("6 Mar", "step | min_score \n A | 70"),
        then="step | min_score | from | to \n A | 50 | | 6 Mar \n A | 70 | 6 Mar | ",
    )


def test_a_step_removed_at_the_instant_it_was_added_at_never_was(history: History) -> None:
    history(
        ("5 Mar", "step \n A"),
        ("6 Mar", "step \n A \n B"),
        ("6 Mar", "step \n A"),
        then="step | from | to \n A | | ",
    )


@pytest.mark.parametrize("minimum", [60, 70])
def test_extracted_before_what_it_follows(history: History, minimum: int) -> None:
    """A clock was put back, or a source was asked for a past as_of: what ended has ended."""
    history(
        ("5 Mar", "step | min_score \n A | 50"),
        ("9 Mar", "step | min_score \n A | 60"),
        ("7 Mar", f"step | min_score \n A | {minimum}"),
        then=f"step | min_score | from | to \n A | 50 | | 9 Mar \n A | {minimum} | 9 Mar | ",
    )


def test_added_again_before_it_was_removed(history: History) -> None:
    history(
        ("5 Mar", "step \n A \n B"),
        ("9 Mar", "step \n B"),
        ("7 Mar", "step \n A \n B"),
        then="step | from | to \n A | | 9 Mar \n A | 9 Mar | \n B | | ",
    )


def test_the_source_s_own_versions_are_taken_as_they_are(history: History) -> None:
    history(
        (
            "5 Mar",
            "step | min_score | from | to \n A | 50 | - | 2 Mar \n A | 60 | 2 Mar | - \n B | 5 | 1 Mar | -",
        ),
        ("6 Mar", "step | min_score | from | to \n A | 50 | - | 3 Mar \n A | 60 | 3 Mar | -"),
        then="step | min_score | from | to \n A | 50 | | 3 Mar \n A | 60 | 3 Mar | ",
    )


def test_a_source_that_begins_to_date_is_believed(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50 \n B | 50"),
        ("6 Mar", "step | min_score \n A | 60 \n B | 50"),
        (
            "7 Mar",
            "step | min_score | from | to \n A | 50 | - | 2 Mar \n A | 60 | 2 Mar | - \n B | 50 | - | -",
        ),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 2 Mar
        A    | 60        | 2 Mar |
        B    | 50        |       |
        """,
    )


@pytest.mark.parametrize("words", [(), ("changes",)])
def test_a_source_that_ceases_to_date_leaves_its_history(history: History, words: tuple[str, ...]) -> None:
    history(
        (
            "5 Mar",
            "step | min_score | from | to \n A | 50 | - | 2 Mar \n A | 60 | 2 Mar | - \n B | 5 | 1 Mar | -",
        ),
        ("6 Mar", "step | min_score \n A | 60 \n B | 7", *words),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 2 Mar
        A    | 60        | 2 Mar |
        B    | 5         | 1 Mar | 6 Mar
        B    | 7         | 6 Mar |
        """,
    )


def test_latest_of_overlapping_versions_is_compared(history: History) -> None:
    overlapping = ("5 Mar", "step | min_score | from | to \n A | 50 | - | - \n A | 60 | 2 Mar | -")
    history(
        overlapping,
        ("6 Mar", "step | min_score \n A | 60"),
        then="step | min_score | from | to \n A | 50 | | \n A | 60 | 2 Mar | ",
    )
    history(
        overlapping,
        ("6 Mar", "step | min_score \n A | 50"),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 6 Mar
        A    | 60        | 2 Mar | 6 Mar
        A    | 50        | 6 Mar |
        """,
    )


def test_a_new_title_is_not_a_new_definition(history: History) -> None:
    history(
        ("5 Mar", "step | min_score | title \n A | 50 | First aid \n B | 50 | -"),
        ("6 Mar", "step | min_score | title \n A | 50 | First aid, revised \n B | 50 | Burns"),
        then="""
        step | min_score | title              | from | to
        A    | 50        | First aid, revised |      |
        B    | 50        | Burns              |      |
        """,
    )


@pytest.mark.parametrize("words", [(), ("changes",)])
def test_ended_version_keeps_its_title(history: History, words: tuple[str, ...]) -> None:
    history(
        ("5 Mar", "step | min_score | title \n A | 50 | one \n B | 50 | other"),
        ("6 Mar", "step | min_score | title \n A | 60 | two", "changes"),
        ("7 Mar", "step | min_score | title \n A | 60 | three \n B | 50 | other", *words),
        then="""
        step | min_score | title | from  | to
        A    | 50        | one   |       | 6 Mar
        A    | 60        | three | 6 Mar |
        B    | 50        | other |       |
        """,
    )


def test_a_title_that_the_source_dates_is_its_own(history: History) -> None:
    history(
        ("5 Mar", "step | title | from | to \n A | one | - | 2 Mar \n A | two | 2 Mar | -"),
        ("6 Mar", "step | title | from | to \n A | one | - | 2 Mar \n A | three | 2 Mar | -"),
        then="step | title | from | to \n A | one | | 2 Mar \n A | three | 2 Mar | ",
    )
