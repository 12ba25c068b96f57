"""R5: due dates and what overdue means."""

import pytest

from tests.reference.tables import Judge, at, expect, world


def test_the_three_bases(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due
        A    | 2 days
        B    | 2 days of session
        C    | 5 Mar 09:00
        D    |
        """,
        enrollments="enrollment | enrolled \n e1 | 3 Mar 12:00",
    )
    expect(
        judge(tables, at("4 Mar")).step_stats,
        """
        step | due_at      | overdue
        A    | 5 Mar 12:00 | no
        B    | 3 Mar       | yes
        C    | 5 Mar 09:00 | no
        D    |             | no
        """,
    )


@pytest.mark.parametrize(
    ("enrolled", "due", "due_at"),
    [
        ("1 Mar 12:00", "1 day", "2 Mar 12:00"),
        ("1 Mar", "1.5 days", "2 Mar 12:00"),
        ("1 Mar", "0.5 weeks", "4 Mar 12:00"),
        ("31 Jan 08:00", "1 month", "28 Feb 08:00"),
        ("31 Jan", "2 months", "31 Mar"),
        ("31 Jan 2024", "1 month", "29 Feb 2024"),
        ("31 Dec 2025", "2 months", "28 Feb"),
        ("30 Nov 2025", "15 months", "28 Feb 2027"),
        ("31 Jan", "1.5 months", "15 Mar"),
        ("15 Jan", "0.5 months", "30 Jan"),
        ("1 Mar", "1e-11 days", "1 Mar 00:00:00.000001"),
        ("1 Mar", "5e-12 days", "1 Mar"),
        ("1 Mar", "10000 days", "17 Jul 2053"),
        ("1 Mar", "1e30 days", "31 Dec 9999 23:59:59.999999"),
        ("1 Mar", "1e30 weeks", "31 Dec 9999 23:59:59.999999"),
        ("1 Mar", "1e30 months", "31 Dec 9999 23:59:59.999999"),
    ],
)
def test_relative_dates(judge: Judge, enrolled: str, due: str, due_at: str) -> None:
    tables = world(
        steps=f"step | due \n A | {due}",
        enrollments=f"enrollment | enrolled \n e1 | {enrolled}",
    )
    expect(judge(tables, at("5 Mar")).step_stats, f"due_at \n {due_at}")


def test_at_the_very_instant_it_is_still_on_time(judge: Judge) -> None:
    tables = world(steps="step | due \n A | 7 days")
    for as_of, expected in {
        "8 Mar": "overdue_steps | next_due_at | status \n 0 | 8 Mar | onTime",
        "8 Mar 00:00:00.000001": "overdue_steps | next_due_at | status \n 1 | | late",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_a_finished_step_is_never_overdue_however_late_or_bad(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due    | min_score
        A    | 7 days | 80
        """,
        activity="""
        step | completed | score
        A    | 20 Mar    | 10
        """,
    )
    for as_of, expected in {
        "19 Mar": "overdue | to_retake \n yes | no",
        "20 Mar": "overdue | to_retake \n no | yes",
    }.items():
        expect(judge(tables, at(as_of)).step_stats, expected)


def test_the_next_due_date_is_that_of_a_required_step_still_to_finish(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due     | optional
        A    | 2 days  |
        B    | 5 days  | yes
        C    | 6 days  |
        D    | 9 days  |
        E    | 8 days  |
        """,
        activity="step | completed \n C | 2 Mar",
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        next_due_at | overdue_steps
        9 Mar       | 1
        """,
    )
    expect(
        judge(tables, at("30 Mar")).path_session_stats,
        """
        next_due_at | overdue_steps
                    | 3
        """,
    )
