"""Ten worked examples of the rules: one path in ten situations."""

from tests.reference.tables import Judge, at, expect, world

PATH = """
    step | min_score | limit | due    | optional
    A    | 80        | 2     | 7 days |
    B    |           |       |        |
    C    |           |       |        | yes
"""


def judged(
    judge: Judge,
    as_of: str,
    activity: str,
    expected: str,
    *,
    enrollments: str = "enrollment \n e1",
    paths: str = "path \n P",
) -> None:
    """Put one example to the judge."""
    tables = world(steps=PATH, activity=activity, enrollments=enrollments, paths=paths)
    expect(judge(tables, at(as_of)).path_session_stats, expected)


NOTHING = "step"


def test_before_the_session_opens(judge: Judge) -> None:
    judged(
        judge,
        "20 Feb",
        NOTHING,
        """
        progress | status | detail           | result | completed
        0        | onTime | sessionNotOpened |        |
        """,
        enrollments="enrollment | enrolled \n e1 | 15 Feb",
    )


def test_nothing_done_after_the_due_date(judge: Judge) -> None:
    judged(
        judge,
        "10 Mar",
        NOTHING,
        """
        progress | status | detail        | result | completed
        0        | late   | notYetStarted |        |
        """,
    )


def test_b_finished_before_the_due_date(judge: Judge) -> None:
    judged(
        judge,
        "5 Mar",
        """
        step | completed
        B    | 4 Mar
        """,
        """
        progress | status | detail | result | completed
        50       | onTime | onTime |        |
        """,
    )


def test_b_finished_after_the_due_date(judge: Judge) -> None:
    judged(
        judge,
        "10 Mar",
        """
        step | completed
        B    | 4 Mar
        """,
        """
        progress | status | detail | result | completed
        50       | late   | late   |        |
        """,
    )


def test_a_failed_once(judge: Judge) -> None:
    judged(
        judge,
        "10 Mar",
        """
        step | completed | score
        A    | 3 Mar     | 60
        B    | 4 Mar     |
        """,
        """
        progress | status | detail   | result | completed
        100      | onTime | toRetake | retake |
        """,
    )


def test_a_failed_as_often_as_allowed(judge: Judge) -> None:
    judged(
        judge,
        "5 Mar",
        """
        step | completed | score
        A    | 3 Mar     | 60
        A    | 4 Mar     | 70
        """,
        """
        progress | status | detail       | result       | completed
        50       | onTime | unsuccessful | unsuccessful |
        """,
    )


def test_successful_with_the_optional_step_open(judge: Judge) -> None:
    judged(
        judge,
        "10 Mar",
        """
        step | completed   | score
        A    | 6 Mar 12:00 | 85
        B    | 4 Mar       |
        """,
        """
        progress | status | detail     | result     | completed
        100      | onTime | successful | successful | 6 Mar 12:00
        """,
    )


def test_nothing_done_after_the_session(judge: Judge) -> None:
    judged(
        judge,
        "2 Apr",
        NOTHING,
        """
        progress | status | detail                      | result | completed
        0        | late   | unsuccessful / sessionEnded |        |
        """,
    )


def test_mandatory_replay(judge: Judge) -> None:
    judged(
        judge,
        "5 Mar",
        """
        step | session   | completed | score
        A    | -         | 5 Feb     | 85
        B    | elsewhere | 6 Feb     |
        """,
        """
        progress | status | detail                     | result | completed
        0        | onTime | toRetake / mandatoryReplay |        |
        """,
        paths="replay \n yes",
    )


def test_unenrolled_before_a_was_done(judge: Judge) -> None:
    judged(
        judge,
        "20 Mar",
        """
        step | completed | score
        B    | 4 Mar     |
        A    | 15 Mar    | 85
        """,
        """
        progress | status | detail | result | completed | archived
        50       | onTime | onTime |        |           | 6 Mar
        """,
        enrollments="enrollment | archived \n e1 | 6 Mar",
    )
