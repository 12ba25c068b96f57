"""Step history from changes: a step that they don't mention keeps its versions."""

from collections.abc import Callable

History = Callable[..., None]


def test_a_definition_that_changes_and_one_that_is_new(history: History) -> None:
    history(
        ("5 Mar", "path | step | min_score \n P | A | 50 \n P | B | 50"),
        ("6 Mar", "path | step | min_score \n P | A | 60 \n P | C | 5 \n Q | A | 5", "changes"),
        then="""
        path | step | min_score | from  | to
        P    | A    | 50        |       | 6 Mar
        P    | A    | 60        | 6 Mar |
        P    | B    | 50        |       |
        P    | C    | 5         | 6 Mar |
        Q    | A    | 5         |       |
        """,
    )


def test_the_same_changes_again(history: History) -> None:
    changes = ("6 Mar", "step | min_score \n A | 60", "changes")
    history(
        ("5 Mar", "step | min_score \n A | 50 \n B | 50"),
        changes,
        changes,
        then="step | min_score | from | to \n A | 50 | | 6 Mar \n A | 60 | 6 Mar | \n B | 50 | | ",
    )


def test_no_changes(history: History) -> None:
    history(
        ("5 Mar", "step | from | to \n A | - | - \n B | 1 Mar | 2 Mar"),
        ("6 Mar", "step", "changes"),
        then="step | from | to \n A | | \n B | 1 Mar | 2 Mar",
    )


def test_a_step_that_was_removed_comes_back(history: History) -> None:
    history(
        ("5 Mar", "step \n A \n B"),
        ("6 Mar", "step \n B"),
        ("7 Mar", "step \n A", "changes"),
        then="step | from | to \n A | | 6 Mar \n A | 7 Mar | \n B | | ",
    )


def test_version_dated_by_the_source_replaces_the_one_with_the_same_start(history: History) -> None:
    history(
        (
            "5 Mar",
            "step | min_score | from | to \n A | 50 | - | 2 Mar \n A | 60 | 2 Mar | - \n B | 5 | 1 Mar | -",
        ),
        ("6 Mar", "step | min_score | from | to \n A | 60 | 2 Mar | 6 Mar \n A | 70 | 6 Mar | -", "changes"),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 2 Mar
        A    | 60        | 2 Mar | 6 Mar
        A    | 70        | 6 Mar |
        B    | 5         | 1 Mar |
        """,
    )


def test_a_source_s_first_version_that_is_since_ever_stays_when_another_follows(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50 \n B | 50"),
        ("6 Mar", "step | min_score | from | to \n A | 60 | 3 Mar | -", "changes"),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 3 Mar
        A    | 60        | 3 Mar |
        B    | 50        |       |
        """,
    )


def test_our_dates_give_way_to_those_that_a_source_begins_to_give(history: History) -> None:
    history(
        ("5 Mar", "step | min_score \n A | 50"),
        ("6 Mar", "step | min_score \n A | 60"),
        ("8 Mar", "step | min_score \n A | 70"),
        ("9 Mar", "step | min_score | from | to \n A | 70 | 7 Mar | -", "changes"),
        then="""
        step | min_score | from  | to
        A    | 50        |       | 6 Mar
        A    | 60        | 6 Mar | 7 Mar
        A    | 70        | 7 Mar |
        """,
    )
    history(
        ("10 Mar", "step | min_score | from | to \n A | 55 | - | 7 Mar", "changes"),
        then="""
        step | min_score | from  | to
        A    | 55        |       | 7 Mar
        A    | 60        | 6 Mar | 7 Mar
        A    | 70        | 7 Mar |
        """,
    )
