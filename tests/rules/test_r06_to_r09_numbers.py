"""R6 started, R7 progress, R8 global time, R9 score."""

import pytest

from tests.reference.tables import Judge, at, expect, world


def test_started_by_an_attempt_on_a_counted_step(judge: Judge) -> None:
    tables = world(
        steps="""
        step | optional | type
        A    |          | course
        O    | yes      | course
        m    |          | email
        """,
        enrollments="enrollment | user \n e1 | u1 \n e2 | u2 \n e3 | u3 \n e4 | u4",
        activity="""
        user | step | session | started | completed
        u1   | O    | S       | 4 Mar   |
        u2   | X    | S       | 4 Mar   | 4 Mar
        u2   | m    | S       | 4 Mar   | 4 Mar
        u3   | A    | -       | 3 Feb   | 4 Feb
        u3   | A    | S       | 4 Mar   |
        u4   | A    | -       | 3 Feb   |
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        enrollment | started_at | detail
        e1         | 4 Mar      | onTime
        e2         |            | notYetStarted
        e3         | 3 Feb      | successful
        e4         |            | notYetStarted
        """,
    )


def test_progress_is_rounded_down(judge: Judge) -> None:
    tables = world(
        steps="""
        step | optional
        A    |
        B    |
        C    |
        O    | yes
        """,
        activity="""
        step | last  | completed | progress
        A    |       | 4 Mar     |
        B    |       | 4 Mar     |
        C    | 4 Mar |           | 100
        O    |       | 4 Mar     |
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        progress | required_steps | required_steps_finished | all_required_finished_at
        99       | 3              | 2                       |
        """,
    )


def test_without_a_required_step_progress_is_0(judge: Judge) -> None:
    tables = world(steps="step | optional \n O | yes", activity="step | completed \n O | 4 Mar")
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        progress | status    | detail | result | completed | required_steps | all_required_finished_at
        0        | completed | onTime |        |           | 0              |
        """,
    )


def test_all_required_finished_at_is_the_last_first_completion(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score
        A    | 80
        B    |
        """,
        activity="""
        step | completed | score
        A    | 4 Mar     | 60
        A    | 8 Mar     | 90
        B    | 5 Mar     |
        """,
    )
    expect(
        judge(tables, at("10 Mar")).path_session_stats,
        """
        progress | all_required_finished_at | completed
        100      | 5 Mar                    | 8 Mar
        """,
    )


def test_time_of_all_in_session_attempts_also_off_the_path(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type
        A    | course
        m    | email
        """,
        activity="""
        step | started | last  | completed | session   | time_ms
        A    | 2 Mar   | 2 Mar |           | S         | 1
        A    | 3 Mar   | 3 Mar | 3 Mar     | S         | 2
        m    | 3 Mar   | 3 Mar | 3 Mar     | S         | 4
        gone | 3 Mar   | 3 Mar | 3 Mar     | S         | 8
        gone | 3 Mar   | 3 Mar | 3 Mar     | -         | 16
        gone | 3 Mar   | 9 Mar |           | S         | 32
        A    | 3 Mar   | 3 Mar | 3 Mar     | elsewhere | 64
        """,
    )
    answer = judge(tables, at("5 Mar"))
    expect(answer.path_session_stats, "global_time_ms \n 15")
    expect(answer.step_stats, "step | time_ms | carried_over \n A | 3 | no")


def test_an_unobserved_attempt_inside_still_displaces_the_one_outside(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        activity="""
        step | session | started | last  | completed | time_ms
        A    | -       | 3 Feb   | 3 Feb | 3 Feb     | 64
        A    | S       | 3 Mar   | 9 Mar |           | 1
        """,
    )
    expect(judge(tables, at("2 Mar")).step_stats, "time_ms | carried_over \n 64 | yes")
    expect(judge(tables, at("5 Mar")).step_stats, "time_ms | carried_over | finished \n 0 | no | yes")
    expect(judge(tables, at("9 Mar")).step_stats, "time_ms | carried_over | finished \n 1 | no | yes")


def test_which_carried_over_attempt_a_step_rests_on(judge: Judge) -> None:
    """A satisfying one, then the earliest completed, then the smallest id."""
    tables = world(
        steps="""
        step | min_score
        A    | 80
        B    | 80
        C    |
        """,
        activity="""
        activity | step | session   | completed | score | time_ms
        a1       | A    | -         | 3 Feb     | 60    | 1
        a2       | A    | -         | 5 Feb     | 80    | 2
        a3       | A    | elsewhere | 4 Feb     | 90    | 4
        b1       | B    | -         | 4 Feb     | 70    | 8
        b2       | B    | elsewhere | 3 Feb     | 60    | 16
        c9       | C    | -         | 3 Feb     |       | 32
        c10      | C    | -         | 3 Feb     |       | 64
        """,
    )
    answer = judge(tables, at("5 Mar"))
    expect(
        answer.step_stats,
        """
        step | time_ms | carried_over | score | attempts_used
        A    | 4       | yes          | 90    | 0
        B    | 16      | yes          | 70    | 0
        C    | 64      | yes          |       | 0
        """,
    )
    expect(answer.path_session_stats, "global_time_ms \n 84")


@pytest.mark.parametrize(
    ("a", "b", "mean"),
    [
        ("80", "81", "81"),
        ("80", "80", "80"),
        ("0", "1", "1"),
        ("0", "0", "0"),
        ("-", "37", "37"),
        ("-", "79.5", "80"),
        ("-", "79.4999", "79"),
        ("80.4", "80.6", "81"),
        ("80.4", "80.5999", "80"),
        ("99.9999", "100", "100"),
        ("-", "-", ""),
    ],
)
def test_the_mean_score_is_rounded_half_up(judge: Judge, a: str, b: str, mean: str) -> None:
    tables = world(
        steps="""
        step | optional
        A    |
        B    | yes
        C    |
        """,
        activity=f"""
        step | completed | score
        A    | 4 Mar     | {a}
        B    | 4 Mar     | {b}
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, f"score | progress \n {mean} | 50")


@pytest.mark.parametrize("scores", [("1.4", "2.8", "3.3"), ("3.3", "1.9", "2.3"), ("2.3", "2.4", "2.8")])
def test_a_mean_of_two_and_a_half_is_3_where_a_sum_of_floats_falls_short(
    judge: Judge, scores: tuple[str, ...]
) -> None:
    rows = (f"{step} | 4 Mar | {score}" for step, score in zip("ABC", scores, strict=True))
    tables = world(steps="step \n A \n B \n C", activity="\n".join(["step | completed | score", *rows]))
    expect(judge(tables, at("5 Mar")).path_session_stats, "score \n 3")


def test_a_third_is_rounded_to_the_nearest(judge: Judge) -> None:
    tables = world(
        steps="step \n A \n B \n C",
        activity="""
        step | completed | score
        A    | 4 Mar     | 50
        B    | 4 Mar     | 50
        C    | 4 Mar     | 51
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "score \n 50")
