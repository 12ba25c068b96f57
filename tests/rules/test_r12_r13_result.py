"""R12 result, R13 completed_at."""

from tests.reference.tables import Judge, at, expect, world


def test_an_exhausted_optional_step_decides_the_result(judge: Judge) -> None:
    tables = world(
        steps="""
        step | optional | min_score | limit
        A    |          | 80        |
        O    | yes      | 80        | 1
        """,
        activity="""
        step | completed | score
        A    | 3 Mar     | 60
        O    | 4 Mar     | 60
        """,
    )
    for as_of, expected in {
        "3 Mar": "result | detail \n retake | toRetake",
        "4 Mar": "result | detail \n unsuccessful | toRetake",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_optional_step_to_retake_affects_the_result_but_not_the_status(judge: Judge) -> None:
    tables = world(
        steps="""
        step | optional | min_score
        A    |          |
        O    | yes      | 80
        """,
        activity="""
        step | completed | score
        A    | 3 Mar     |
        O    | 4 Mar     | 60
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        result | detail     | completed
        retake | successful | 3 Mar
        """,
    )


def test_an_unfinished_optional_step_does_not_matter(judge: Judge) -> None:
    tables = world(
        steps="step | optional \n A | \n O | yes",
        activity="step | last | completed \n A | | 3 Mar \n O | 4 Mar |",
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "result \n successful")


def test_earned_on_the_last_of_the_first_successes(judge: Judge) -> None:
    tables = world(
        steps="""
        step | optional | min_score
        A    |          | 80
        B    |          |
        O    | yes      |
        """,
        activity="""
        step | completed | score | session
        A    | 3 Mar     | 60    |
        A    | 6 Mar     | 80    |
        A    | 8 Mar     | 99    |
        B    | 20 Feb    |       | -
        O    | 9 Mar     |       |
        """,
    )
    expect(
        judge(tables, at("10 Mar")).path_session_stats,
        """
        detail     | completed | all_required_finished_at
        successful | 6 Mar     | 3 Mar
        """,
    )


def test_a_path_can_be_earned_outside_altogether(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        activity="step | session | started | completed \n A | - | 19 Feb | 20 Feb",
    )
    expect(
        judge(tables, at("10 Mar")).path_session_stats,
        """
        detail     | completed | started_at | status
        successful | 20 Feb    | 19 Feb     | completed
        """,
    )


def test_not_earned_before_the_session_opens(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="enrollment | enrolled \n e1 | 1 Feb",
        activity="step | session | completed \n A | - | 10 Feb",
    )
    expect(
        judge(tables, at("20 Feb")).path_session_stats,
        """
        detail           | completed | result     | progress
        sessionNotOpened |           | successful | 100
        """,
    )
