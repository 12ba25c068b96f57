"""R18: who is late, and since when."""

from tests.reference.tables import Judge, at, expect, world


def test_learner_is_late_since_the_earliest_due_date_of_an_overdue_required_step(judge: Judge) -> None:
    tables = world(
        steps="""
        step | due    | optional
        A    | 3 days |
        B    | 2 days |
        O    | 1 day  | yes
        """,
        activity="""
        step | completed
        B    | 6 Mar
        """,
    )
    for as_of, expected in {
        "3 Mar": "status | is_late | late_since | overdue_steps \n onTime | no | | 0",
        "3 Mar 12:00": "is_late | late_since | overdue_steps \n yes | 3 Mar | 1",
        "5 Mar": "is_late | late_since | overdue_steps \n yes | 3 Mar | 2",
        "7 Mar": "is_late | late_since | overdue_steps \n yes | 4 Mar | 1",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_learner_who_has_not_started_is_late_though_the_detailed_status_is_not(judge: Judge) -> None:
    expect(
        judge(world(steps="step | due \n A | 2 days"), at("5 Mar")).path_session_stats,
        "detail | deciding_rule | is_late | late_since \n notYetStarted | 5b | yes | 3 Mar",
    )


def test_learner_who_failed_or_whose_session_ended_is_not_late(judge: Judge) -> None:
    steps = "step | due | min_score | limit \n A | 2 days | 80 | 1 \n B | 2 days | |"
    failed = world(steps=steps, activity="step | completed | score \n A | 2 Mar | 10")
    expect(
        judge(failed, at("5 Mar")).path_session_stats,
        "status | detail | deciding_rule | is_late | late_since \n late | unsuccessful | 3 | no |",
    )
    expect(
        judge(world(steps=steps), at("2 Apr")).path_session_stats,
        "detail | deciding_rule | is_late | late_since \n unsuccessful / sessionEnded | 5b | no |",
    )


def test_unenrolled_learner_is_not_late(judge: Judge) -> None:
    tables = world(
        steps="step | due \n A | 2 days", enrollments="enrollment | user | archived \n e1 | u1 | 5 Mar"
    )
    expect(judge(tables, at("6 Mar")).path_session_stats, "overdue_steps | is_late | late_since \n 1 | no |")


def test_summary_counts_late_learners_whatever_their_detailed_status(judge: Judge) -> None:
    tables = world(
        steps="step | due \n A | 2 days \n B | ",
        users="user \n u1 \n u2 \n u3",
        enrollments="enrollment | user \n e1 | u1 \n e2 | u2 \n e3 | u3",
        activity="user | step | completed \n u1 | B | 2 Mar \n u2 | A | 2 Mar",
    )
    expect(judge(tables, at("5 Mar")).session_summary, "late | not_yet_started | overdue \n 1 | 1 | 2")
