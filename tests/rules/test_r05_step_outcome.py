"""R5: finished, successful, exhausted, to retake; score, progress."""

from tests.reference.tables import Judge, at, expect, world


def test_the_earliest_completion_and_the_earliest_success(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score
        A    | 80
        """,
        activity="""
        step | started | completed | score
        A    | 2 Mar   | 6 Mar     | 90
        A    | 3 Mar   | 4 Mar     | 79
        A    | 3 Mar   | 5 Mar     | 80
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        finished_at | successful_at | score | attempts_used | to_retake
        4 Mar       | 5 Mar         | 90    | 3             | no
        """,
    )


def test_min_score_is_met_at_the_score_itself_and_never_without_one(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score
        A    | 80
        B    | 80
        C    | 80
        D    | 0
        E    | 0
        """,
        activity="""
        step | completed | score
        A    | 4 Mar     | 79
        B    | 4 Mar     | 80
        C    | 4 Mar     | -
        D    | 4 Mar     | 0
        E    | 4 Mar     | -
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        step | finished | successful | to_retake | score
        A    | yes      | no         | yes       | 79
        B    | yes      | yes        | no        | 80
        C    | yes      | no         | yes       |
        D    | yes      | yes        | no        | 0
        E    | yes      | no         | yes       |
        """,
    )


def test_a_score_just_below_min_score_does_not_pass(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score
        A    | 80
        B    | 80
        C    | 80
        D    | 79.5
        E    | 79.5001
        """,
        activity="""
        step | completed | score
        A    | 4 Mar     | 79.5
        B    | 4 Mar     | 79.9999
        C    | 4 Mar     | 80.0001
        D    | 4 Mar     | 79.5
        E    | 4 Mar     | 79.5
        E    | 5 Mar     | 66.6667
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        step | successful | to_retake | score
        A    | no         | yes       | 79.5
        B    | no         | yes       | 79.9999
        C    | yes        | no        | 80.0001
        D    | yes        | no        | 79.5
        E    | no         | yes       | 79.5
        """,
    )


def test_time_limits(judge: Judge) -> None:
    tables = world(
        steps="""
        step | time_limit      | scorm
        A    | at most 60 s    |
        B    | at most 60 s    |
        C    | at least 60 s   |
        D    | at least 60 s   |
        E    | at most 60 s    | yes
        F    | at least 0.5 s  |
        """,
        activity="""
        step | completed | time_ms
        A    | 4 Mar     | 60_000
        B    | 4 Mar     | 60_001
        C    | 4 Mar     | 59_999
        D    | 4 Mar     | 60_000
        E    | 4 Mar     | 90_000
        F    | 4 Mar     | 499
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        step | successful
        A    | yes
        B    | no
        C    | no
        D    | yes
        E    | yes
        F    | no
        """,
    )


def test_satisfying_attempt_meets_all_conditions_alone(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score | time_limit
        A    | 80        | at most 60 s
        """,
        activity="""
        step | completed | score | time_ms
        A    | 3 Mar     | 90    | 70_000
        A    | 4 Mar     | 70    | 50_000
        """,
    )
    expect(judge(tables, at("10 Mar")).step_stats, "finished | successful | to_retake \n yes | no | yes")


def test_half_a_time_limit_does_not_limit(judge: Judge) -> None:
    tables = world(
        steps="""
        step | time_limit_mode
        A    | minTime
        """,
        activity="step | completed \n A | 4 Mar",
    )
    tables["path_steps"] += [{**tables["path_steps"][0], "step_id": "B", "time_limit_mode": None}]
    tables["path_steps"][1]["time_limit_s"] = 60.0
    tables["step_activity"] += [{**tables["step_activity"][0], "step_id": "B", "activity_id": "b"}]
    expect(judge(tables, at("10 Mar")).step_stats, "step | successful \n A | yes \n B | yes")


def test_assessments(judge: Judge) -> None:
    """A score decides where one is asked for; else the verdict, which only an examination needs."""
    tables = world(
        steps="""
        step | type       | min_score | examination
        A    | assessment |           |
        B    | assessment |           |
        C    | assessment |           | yes
        D    | assessment |           | yes
        E    | assessment |           | yes
        F    | assessment | 50        | yes
        G    | assessment | 50        |
        """,
        activity="""
        step | completed | score | passed
        A    | 4 Mar     |       | no
        B    | 4 Mar     |       |
        C    | 4 Mar     |       | yes
        D    | 4 Mar     | 100   | no
        E    | 4 Mar     | 100   |
        F    | 4 Mar     | 50    | no
        G    | 4 Mar     | 49    | yes
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        step | successful | exhausted | to_retake
        A    | yes        | no        | no
        B    | yes        | no        | no
        C    | yes        | no        | no
        D    | no         | yes       | no
        E    | no         | yes       | no
        F    | yes        | no        | no
        G    | no         | yes       | no
        """,
    )


def test_an_assessment_without_a_verdict_still_has_its_time_limit(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | time_limit
        A    | assessment | at most 60 s
        """,
        activity="""
        step | completed | passed | time_ms
        A    | 4 Mar     | yes    | 60_001
        """,
    )
    expect(judge(tables, at("10 Mar")).step_stats, "successful | exhausted | to_retake \n no | no | yes")


def test_a_later_correction_can_still_succeed(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type       | min_score
        A    | assessment | 50
        """,
        activity="""
        step | completed | score
        A    | 4 Mar     | 40
        A    | 6 Mar     | 60
        """,
    )
    for as_of, expected in {
        "5 Mar": "successful | exhausted \n no | yes",
        "6 Mar": "successful | exhausted \n yes | no",
    }.items():
        expect(judge(tables, at(as_of)).step_stats, expected)


def test_attempts_run_out(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score | limit
        A    | 80        | 2
        B    | 80        | 2
        C    | 80        | 2
        D    | 80        |
        """,
        activity="""
        step | started | completed | score
        A    | 2 Mar   | 2 Mar     | 60
        A    | 3 Mar   | 3 Mar     | 60
        B    | 2 Mar   | 2 Mar     | 60
        C    | 2 Mar   | 2 Mar     | 60
        C    | 3 Mar   | 3 Mar     | 60
        C    | 4 Mar   |           |
        D    | 2 Mar   | 2 Mar     | 60
        D    | 3 Mar   | 3 Mar     | 60
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        step | attempts_used | exhausted | to_retake
        A    | 2             | yes       | no
        B    | 1             | no        | yes
        C    | 2             | no        | yes
        D    | 2             | no        | yes
        """,
    )


def test_an_open_attempt_that_was_never_observed_keeps_the_step_open(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score | limit
        A    | 80        | 1
        """,
        activity="""
        step | started | last  | completed | score
        A    | 2 Mar   | 2 Mar | 2 Mar     | 60
        A    | 3 Mar   | 9 Mar | 9 Mar     | 60
        """,
    )
    for as_of, expected in {
        "5 Mar": "exhausted | to_retake \n no | yes",
        "9 Mar": "exhausted | to_retake \n yes | no",
    }.items():
        expect(judge(tables, at(as_of)).step_stats, expected)


def test_attempts_made_elsewhere_do_not_use_up_the_limit(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score | limit
        A    | 80        | 2
        """,
        activity="""
        step | session | completed | score
        A    | -       | 1 Feb     | 60
        A    | -       | 2 Feb     | 70
        A    | S       | 3 Mar     | 50
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        finished_at | attempts_used | exhausted | to_retake | score | carried_over
        1 Feb       | 1             | no        | yes       | 70    | no
        """,
    )


def test_progress_stays_below_100_until_finished(judge: Judge) -> None:
    tables = world(
        steps="step \n A \n B \n C",
        activity="""
        step | started | last  | completed | progress
        A    | 2 Mar   | 3 Mar |           | 100
        B    | 2 Mar   | 3 Mar |           | 30
        B    | 4 Mar   | 4 Mar |           | 20
        C    | 2 Mar   | 3 Mar | 3 Mar     | 40
        """,
    )
    expect(
        judge(tables, at("10 Mar")).step_stats,
        """
        step | progress
        A    | 99
        B    | 30
        C    | 100
        """,
    )


def test_score_of_an_unfinished_attempt_does_not_count(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        activity="""
        step | started | completed | score
        A    | 2 Mar   |           | 90
        A    | 3 Mar   | 4 Mar     | 10
        """,
    )
    expect(judge(tables, at("10 Mar")).step_stats, "score \n 10")
