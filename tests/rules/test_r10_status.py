"""R10: the status."""

from tests.reference.tables import Judge, at, expect, world


def test_completed_asks_for_the_optional_steps_too(judge: Judge) -> None:
    tables = world(
        steps="""
        step | optional | due
        A    |          | 1 day
        O    | yes      | 1 day
        """,
        activity="""
        step | completed
        A    | 4 Mar
        O    | 6 Mar
        """,
    )
    for as_of, expected in {
        "3 Mar": "status | progress | overdue_steps \n late | 0 | 1",
        "5 Mar": "status | progress | overdue_steps \n onTime | 100 | 0",
        "6 Mar": "status | progress | overdue_steps \n completed | 100 | 0",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_completed_does_not_ask_for_success(judge: Judge) -> None:
    tables = world(
        steps="step | min_score | limit \n A | 80 | 1",
        activity="step | completed | score \n A | 4 Mar | 10",
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        status    | detail       | result
        completed | unsuccessful | unsuccessful
        """,
    )


def test_awaiting_correction_goes_before_late(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | due
        X    | assessment |
        B    | course     | 1 day
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "status \n awaitingCorrection")


def test_optional_steps_are_neither_awaited_nor_late(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | due   | optional
        X    | assessment | 1 day | yes
        B    | course     | 1 day | yes
        C    | course     |       |
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "status | overdue_steps \n onTime | 0")


def test_status_is_late_after_an_absolute_date_although_r11_is_not(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due
        A    | 3 Mar
        B    |
        """,
        activity="step | completed \n B | 2 Mar",
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        status | detail | overdue_steps | decided_by
        late   | onTime | 1             |
        """,
    )


def test_status_knows_neither_started_nor_the_window(judge: Judge) -> None:
    tables = world(
        steps="step | due \n A | 1 day",
        enrollments="enrollment | user | enrolled \n e1 | u1 | 15 Feb \n e2 | u2 | 1 Mar",
    )
    expect(
        judge(tables, at("20 Feb")).path_session_stats,
        """
        enrollment | status | detail
        e1         | late   | sessionNotOpened
        """,
    )
    expect(
        judge(tables, at("5 Apr")).path_session_stats,
        """
        enrollment | status | detail
        e1         | late   | unsuccessful / sessionEnded
        e2         | late   | unsuccessful / sessionEnded
        """,
    )
