"""R1 evaluation time, R2 session window, R14 archived_at."""

from tests.reference.tables import Judge, at, expect, world


def test_archived_counts_from_the_very_instant(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due
        A    | 7 days
        """,
        enrollments="""
        enrollment | user | archived
        e1         | u1   | 10 Mar 11:59
        e2         | u2   | 10 Mar 12:00
        e3         | u3   | 10 Mar 12:01
        e4         | u4   |
        """,
    )
    expect(
        judge(tables, at("10 Mar 12:00")).path_session_stats,
        """
        enrollment | archived     | status
        e1         | 10 Mar 11:59 | late
        e2         | 10 Mar 12:00 | late
        e3         |              | late
        e4         |              | late
        """,
    )


def test_archived_is_evaluated_as_of_then(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due
        A    | 7 days
        B    |
        """,
        enrollments="""
        enrollment | archived
        e1         | 6 Mar 12:00
        """,
        activity="""
        step | completed          | time_ms
        A    | 6 Mar 12:00        | 5
        B    | 6 Mar 12:00:00.000001 | 7
        """,
    )
    expect(
        judge(tables, at("20 Mar")).path_session_stats,
        """
        progress | global_time_ms | status | detail | archived    | next_due_at
        50       | 5              | onTime | onTime | 6 Mar 12:00 |
        """,
    )


def test_archived_before_the_session_opened_stays_not_opened(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | enrolled | archived
        e1         | 10 Feb   | 20 Feb
        """,
    )
    expect(judge(tables, at("2 Apr")).path_session_stats, "detail \n sessionNotOpened")


def test_an_enrollment_takes_part_from_its_very_instant(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | user | enrolled
        e1         | u1   | 5 Mar 12:00
        e2         | u2   | 5 Mar 12:00:00.000001
        """,
    )
    expect(judge(tables, at("5 Mar 12:00")).path_session_stats, "enrollment \n e1")


def test_activity_at_the_end_of_the_session_does_not_count(judge: Judge) -> None:
    tables = world(
        steps="""
        step
        A
        B
        """,
        activity="""
        step | started | completed
        A    | 30 Mar  | 31 Mar 23:59:59.999999
        B    | 30 Mar  | 1 Apr
        """,
    )
    expect(
        judge(tables, at("5 Apr")).step_stats,
        """
        step | finished | finished_at            | progress
        A    | yes      | 31 Mar 23:59:59.999999 | 100
        B    | no       |                        | 0
        """,
    )


def test_a_session_without_end_never_closes(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions="session | ends \n S | -",
        activity="step | completed \n A | 1 Mar 2031",
    )
    expect(
        judge(tables, at("1 Mar 2031")).path_session_stats,
        """
        detail     | completed
        successful | 1 Mar 2031
        """,
    )


def test_activity_before_the_session_opened_counts(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="enrollment | enrolled \n e1 | 15 Feb",
        activity="step | completed \n A | 20 Feb",
    )
    for as_of, expected in {
        "28 Feb 23:59": "progress | result     | detail \n 100 | successful | sessionNotOpened",
        "1 Mar": "progress | result     | detail \n 100 | successful | successful",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_an_assessment_may_be_corrected_after_the_end(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | min_score
        A    | assessment | 80
        """,
        activity="""
        step | started | last   | completed | score
        A    | 30 Mar  | 31 Mar | 10 Apr    | 85
        """,
    )
    for as_of, expected in {
        "9 Apr 23:59": "detail | completed \n awaitingCorrection |",
        "10 Apr": "detail | completed \n successful | 10 Apr",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_an_assessment_may_even_begin_after_the_end_but_not_after_archiving(judge: Judge) -> None:
    tables = world(
        steps="step | type \n A | assessment",
        activity="""
        step | user | started | completed
        A    | u1   | 2 Apr   | 3 Apr
        A    | u2   | 2 Apr   | 3 Apr
        """,
        enrollments="""
        enrollment | user | archived
        e1         | u1   |
        e2         | u2   | 2 Apr
        """,
    )
    expect(
        judge(tables, at("5 Apr")).path_session_stats,
        """
        enrollment | detail             | started_at
        e1         | successful         | 2 Apr
        e2         | awaitingCorrection | 2 Apr
        """,
    )


def test_assessment_that_left_the_path_ends_with_the_session(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | to
        A    | course     |
        X    | assessment | 1 Apr
        """,
        activity="""
        step | completed | time_ms
        X    | 2 Apr     | 7
        """,
    )
    expect(judge(tables, at("5 Apr")).path_session_stats, "global_time_ms \n 0")
