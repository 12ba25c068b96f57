"""Why an attempt counts at a step or does not: one small world per reason."""

from typing import Any

from tests.reference.product import attempts
from tests.reference.tables import at, expect, world

RESTARTING = "session | restarts \n S | yes"


def accounted(as_of: str, **blocks: str) -> list[dict[str, Any]]:
    return attempts(world(**blocks), at(as_of))


def test_an_attempt_that_satisfies_its_step_in_the_session_needs_no_row() -> None:
    found = accounted("5 Mar", steps="step \n A", activity="step | completed \n A | 3 Mar \n A | 4 Mar")
    assert found == []


def test_attempt_that_misses_a_condition_names_it() -> None:
    found = accounted(
        "20 Mar",
        steps="""
        step | type       | min_score | time_limit      | examination | limit
        A    | course     | 80        |                 |             | 2
        B    | course     |           | at least 1800 s |             |
        C    | course     |           | at most 60 s    |             |
        D    | course     | 80        | at most 60 s    |             |
        X    | assessment |           |                 | yes         |
        """,
        activity="""
        step | completed | score | time_ms
        A    | 2 Mar     | 70    |
        A    | 3 Mar     | -     |
        A    | 4 Mar     | 80    |
        B    | 2 Mar     |       | 1_200_000
        C    | 2 Mar     |       | 60_001
        D    | 2 Mar     | 79    | 60_001
        X    | 2 Mar     |       |
        """,
    )
    expect(
        found,
        """
        step | account         | missed_min_score | missed_max_time_s | missed_min_time_s | missed_pass
        A    | fails_condition | 80               |                   |                   | no
        A    | fails_condition | 80               |                   |                   | no
        B    | fails_condition |                  |                   | 1800              | no
        C    | fails_condition |                  | 60                |                   | no
        D    | fails_condition | 80               | 60                |                   | no
        X    | fails_condition |                  |                   |                   | yes
        """,
    )


def test_unfinished_attempt_has_a_reason() -> None:
    found = accounted(
        "20 Mar",
        steps="step \n A",
        sessions="session | ends \n S | 15 Mar",
        activity="""
        step | started | completed
        A    | 2 Mar   |
        A    | 3 Mar   | 15 Mar
        """,
    )
    expect(found, "started | account \n 2 Mar | open \n 3 Mar | completed_after_end")
    later = accounted(
        "10 Mar", steps="step \n A", activity="step | started | completed \n A | 2 Mar | 11 Mar"
    )
    expect(later, "started | account \n 2 Mar | completed_later")


def test_an_attempt_begun_too_late_does_not_count() -> None:
    found = accounted(
        "20 Mar",
        steps="step | type \n A | course \n X | assessment",
        sessions="session | ends \n S | 15 Mar",
        activity="""
        step | completed
        A    | 15 Mar
        A    | 21 Mar
        X    | 15 Mar
        X    | 21 Mar
        """,
    )
    expect(found, "step | account \n A | after_end \n A | after_end \n X | after_as_of")


def test_an_attempt_after_the_learner_was_unenrolled_does_not_count() -> None:
    found = accounted(
        "20 Mar",
        steps="step \n A",
        enrollments="enrollment | archived \n e1 | 6 Mar",
        activity="step | completed \n A | 15 Mar",
    )
    expect(found, "step | account \n A | after_as_of")


def test_an_attempt_of_another_enrollment_does_not_count_where_the_session_restarts() -> None:
    found = accounted(
        "20 Mar",
        steps="step \n A",
        sessions=RESTARTING,
        enrollments="""
        enrollment | enrolled | archived
        e1         | 1 Mar    | 5 Mar
        e2         | 10 Mar   |
        """,
        activity="step | started | completed \n A | 2 Mar | \n A | 12 Mar | ",
    )
    expect(
        found,
        """
        enrollment | started | account
        e1         | 2 Mar   | open
        e1         | 12 Mar  | after_as_of
        e2         | 2 Mar   | earlier_enrollment
        e2         | 12 Mar  | open
        """,
    )
    still_enrolled = accounted(
        "20 Mar",
        steps="step \n A",
        sessions=RESTARTING,
        enrollments="enrollment | enrolled \n e1 | 1 Mar \n e2 | 10 Mar",
        activity="step | started | completed \n A | 12 Mar | ",
    )
    expect(still_enrolled, "enrollment | account \n e1 | later_enrollment \n e2 | open")


def test_an_attempt_that_names_another_enrollment_does_not_count() -> None:
    found = accounted(
        "20 Mar",
        steps="step \n A",
        enrollments="enrollment | enrolled \n e1 | 1 Mar \n e2 | 10 Mar",
        activity="step | enrollment | started | completed \n A | e1 | 12 Mar |",
    )
    expect(found, "enrollment | account \n e1 | open \n e2 | other_enrollment")


def test_attempt_elsewhere_has_a_reason_for_not_being_carried_over() -> None:
    activity = """
    step | session | started | completed
    A    | other   | 2 Mar   | 3 Mar
    A    | -       | 3 Mar   |
    A    | -       | 4 Mar   | 2 Apr
    A    | -       | 5 Mar   | 21 Mar
    """
    blocks = {"steps": "step | min_score \n A | 80", "activity": activity}
    expect(
        accounted("20 Mar", **blocks),
        """
        started | made_in_session_id | account         | missed_min_score
        2 Mar   | other              | fails_condition | 80
        3 Mar   |                    | not_completed   |
        4 Mar   |                    | after_end       |
        5 Mar   |                    | after_as_of     |
        """,
    )
    replayed = accounted("20 Mar", **blocks, paths="path | replay \n P | yes")
    expect(replayed[:1], "started | account | missed_min_score \n 2 Mar | replay | ")


def test_a_satisfying_carried_over_attempt_has_a_row_unless_it_is_the_only_one() -> None:
    found = accounted(
        "20 Mar",
        steps="step \n A \n B",
        activity="""
        step | session | completed
        A    | -       | 3 Mar
        B    | -       | 3 Mar
        B    | S       | 4 Mar
        """,
    )
    expect(found, "step | completed | account \n B | 3 Mar | satisfies")


def test_attempt_at_an_uncounted_step_has_that_reason() -> None:
    found = accounted(
        "20 Mar",
        steps="""
        step | type   | to
        A    | course |
        M    | email  |
        R    | course | 5 Mar
        """,
        activity="""
        step | session | completed
        A    | S       | 3 Mar
        M    | S       | 3 Mar
        R    | S       | 3 Mar
        R    | -       | 3 Mar
        Z    | S       | 3 Mar
        Z    | -       | 3 Mar
        """,
    )
    expect(
        found,
        """
        step | made_in_session_id | account
        M    | S                  | step_not_counted
        R    | S                  | step_not_counted
        R    |                    | step_not_counted
        Z    | S                  | step_not_counted
        """,
    )


def test_attempt_at_a_waived_step_has_that_reason() -> None:
    found = accounted(
        "20 Mar",
        steps="step \n A \n B",
        waivers="quiz | threshold | waives \n A | 50 | B",
        activity="step | completed | score \n A | 2 Mar | 60 \n B | 3 Mar | ",
    )
    expect(found, "step | account \n B | step_waived")


def test_an_attempt_at_a_sub_path_does_not_count_where_its_session_decides() -> None:
    found = accounted(
        "20 Mar",
        paths="path \n P \n Q",
        steps="path | step | type \n P | Q | path \n Q | D | course",
        sessions="session | path \n S | P \n C | Q",
        children="session \n C",
        enrollments="enrollment | session \n e1 | S \n c1 | C",
        activity="session | step | completed \n S | Q | 2 Mar",
    )
    expect(found, "session | step | account \n S | Q | sub_path")
