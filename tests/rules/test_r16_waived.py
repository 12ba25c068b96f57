"""R16: a score in a positioning quiz waives steps, which are not counted then for that learner."""

from tests.reference.tables import Judge, at, expect, of_company, side_by_side, world

STEPS = "step \n Q \n A \n B"
BOTH = "quiz | threshold | waives \n Q | 50 | A \n Q | 80 | B"


def test_every_threshold_that_the_best_score_reaches_waives(judge: Judge) -> None:
    expected = {
        "49": ("Q \n A \n B", "33 | onTime"),
        "49.9999": ("Q \n A \n B", "33 | onTime"),
        "50": ("Q \n B", "50 | onTime"),
        "79.9999": ("Q \n B", "50 | onTime"),
        "80": ("Q", "100 | successful"),
    }
    worlds = [
        world(steps=STEPS, waivers=BOTH, activity=f"step | completed | score \n Q | 4 Mar | {score}")
        for score in expected
    ]
    answer = judge(side_by_side(worlds), at("5 Mar"))
    for number, (steps, stats) in enumerate(expected.values()):
        expect(of_company(answer.step_stats, number), f"step \n {steps}")
        expect(of_company(answer.path_session_stats, number), f"progress | detail \n {stats}")


def test_the_best_score_counts_the_learner_s_own_as_of_t_eff(judge: Judge) -> None:
    tables = world(
        steps=STEPS,
        waivers=BOTH,
        enrollments="enrollment | user | archived \n e1 | u1 | \n e2 | u2 | \n e3 | u3 | 6 Mar",
        activity="""
        user | step | completed | score
        u1   | Q    | 4 Mar     | 60
        u1   | Q    | 5 Mar     | 20
        u1   | Q    | 9 Mar     | 90
        u3   | Q    | 7 Mar     | 90
        """,
    )
    expect(
        judge(tables, at("8 Mar")).path_session_stats,
        """
        user | required_steps | score
        u1   | 2              | 60
        u2   | 3              |
        u3   | 3              |
        """,
    )


def test_waiver_counts_only_while_valid(judge: Judge) -> None:
    tables = world(
        steps=STEPS,
        waivers="quiz | threshold | waives | from | to \n Q | 50 | A | 3 Mar | 6 Mar",
        enrollments="enrollment | user | archived \n e1 | u1 | \n e2 | u2 | 4 Mar",
        activity="user | step | completed | score \n u1 | Q | 2 Mar | 60 \n u2 | Q | 2 Mar | 60",
    )
    for day, required in {"2 Mar": "3 3", "3 Mar": "2 2", "5 Mar": "2 2", "6 Mar": "3 2"}.items():
        ours, theirs = required.split()
        expect(
            judge(tables, at(day)).path_session_stats,
            f"user | required_steps \n u1 | {ours} \n u2 | {theirs}",
        )


def test_quiz_and_waived_step_must_count_on_the_same_path(judge: Judge) -> None:
    tables = world(
        steps="step | type | to \n Q | course | \n old | course | 2 Mar \n A | course | \n M | email |",
        waivers="""
        company | path | quiz | threshold | waives
        acme    | P    | old  | 0         | A
        acme    | P    | M    | 0         | A
        acme    | R    | Q    | 0         | A
        other   | P    | Q    | 0         | A
        acme    | P    | Q    | 0         | M
        """,
        activity="step | completed | score \n Q | 4 Mar | 90 \n old | 1 Mar | 90 \n M | 4 Mar | 90",
    )
    expect(judge(tables, at("5 Mar")).step_stats, "step \n Q \n A")


def test_a_score_brought_from_elsewhere_waives_unless_it_is_to_be_replayed(judge: Judge) -> None:
    worlds = [
        world(
            paths=f"replay \n {replay}",
            steps="step \n Q \n A",
            waivers=BOTH,
            activity="step | session | completed | score \n Q | - | 2 Jan | 60",
        )
        for replay in ("no", "yes")
    ]
    expect(
        judge(side_by_side(worlds), at("5 Mar")).step_stats,
        "company | step \n 0 | Q \n 1 | Q \n 1 | A",
    )


def test_no_score_reaches_no_threshold_and_zero_reaches_zero(judge: Judge) -> None:
    worlds = [
        world(
            steps="step \n Q \n A",
            waivers="quiz | threshold | waives \n Q | 0 | A",
            activity=f"step | completed | score \n Q | 4 Mar | {score}",
        )
        for score in ("-", "0")
    ]
    expect(
        judge(side_by_side(worlds), at("5 Mar")).step_stats,
        "company | step \n 0 | Q \n 0 | A \n 1 | Q",
    )


def test_a_waived_quiz_still_waives_be_it_by_itself(judge: Judge) -> None:
    """R6: what is done on a step that isn't counted starts nothing; R8: its time counts."""
    chain = "quiz | threshold | waives \n Q | 50 | A \n A | 50 | B"
    itself = "quiz | threshold | waives \n Q | 50 | Q"
    worlds = [
        world(
            steps=STEPS,
            waivers=waivers,
            activity="""
            step | completed | score | time_ms
            Q    | 4 Mar     | 60    | 100
            A    | 5 Mar     | 70    | 200
            """,
        )
        for waivers in (chain, itself)
    ]
    answer = judge(side_by_side(worlds), at("6 Mar"))
    expect(answer.step_stats, "company | step \n 0 | Q \n 1 | A \n 1 | B")
    expect(
        answer.path_session_stats,
        """
        company | started | global_time_ms | score
        0       | 4 Mar   | 300            | 60
        1       | 5 Mar   | 300            | 70
        """,
    )


def test_where_all_required_steps_are_waived_none_is_required(judge: Judge) -> None:
    tables = world(
        steps="step | optional \n Q | yes \n A | no",
        waivers="quiz | threshold | waives \n Q | 50 | A",
        activity="step | completed | score \n Q | 4 Mar | 60",
    )
    for day, detail in {"5 Mar": "onTime", "1 Apr": "unsuccessful / sessionEnded"}.items():
        expect(
            judge(tables, at(day)).path_session_stats,
            f"progress | status | detail | result \n 0 | completed | {detail} |",
        )


def test_time_in_the_session_counts_and_time_carried_over_does_not(judge: Judge) -> None:
    tables = world(
        steps="step \n Q \n A \n B",
        waivers="quiz | threshold | waives \n Q | 50 | A \n Q | 50 | B",
        activity="""
        step | session | completed | score | time_ms
        Q    | S       | 4 Mar     | 60    | 1
        A    | S       | 4 Mar     | 60    | 10
        B    | -       | 4 Mar     | 60    | 100
        """,
    )
    answer = judge(tables, at("5 Mar"))
    expect(answer.path_session_stats, "global_time_ms | score \n 11 | 60")
    expect(answer.step_stats, "step | time_ms \n Q | 1")


def test_a_waived_assessment_remains_one_for_what_counts_after_the_end(judge: Judge) -> None:
    tables = world(
        steps="step | type \n Q | course \n A | assessment",
        waivers="quiz | threshold | waives \n Q | 50 | A",
        activity="""
        step | started | completed | score | time_ms
        Q    | 4 Mar   | 4 Mar     | 60    | 1
        A    | 5 Apr   | 6 Apr     |       | 10
        """,
    )
    expect(judge(tables, at("7 Apr")).path_session_stats, "global_time_ms | detail \n 11 | successful")


def test_a_waived_step_blocks_no_assessment_and_is_never_overdue(judge: Judge) -> None:
    tables = world(
        steps="step | type | due \n Q | course | \n A | course | 2 days \n X | assessment |",
        waivers="quiz | threshold | waives \n Q | 50 | A",
        activity="step | completed | score \n Q | 2 Mar | 60",
    )
    expect(
        judge(tables, at("9 Mar")).path_session_stats,
        "status | detail | decided_by | overdue_steps \n awaitingCorrection | awaitingCorrection | X | 0",
    )
