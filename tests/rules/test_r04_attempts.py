"""R4: which attempts matter, to which enrollment."""

from tests.reference.tables import Judge, at, expect, world

RESTARTING = "session | restarts \n S | yes"


def test_only_the_learners_own_attempts_at_the_step(judge: Judge) -> None:
    tables = world(
        steps="""
        step
        A
        B
        """,
        activity="""
        company | user | step | completed
        acme    | u2   | A    | 4 Mar
        other   | u1   | A    | 4 Mar
        acme    | u1   | B    | 4 Mar
        """,
    )
    expect(
        judge(tables, at("5 Mar")).step_stats,
        """
        step | finished
        A    | no
        B    | yes
        """,
    )


def test_carried_over_from_elsewhere_unless_replay_is_mandatory(judge: Judge) -> None:
    for replay, expected in {
        "no": """
            step | finished | carried_over | replay_pending | score | progress | attempts_used
            A    | yes      | yes          | no             | 85    | 100      | 0
            B    | yes      | yes          | no             |       | 100      | 0
            C    | no       | no           | no             |       | 0        | 0
            """,
        "yes": """
            step | finished | carried_over | replay_pending | score | progress | attempts_used
            A    | no       | no           | yes            |       | 0        | 0
            B    | no       | no           | yes            |       | 0        | 0
            C    | no       | no           | no             |       | 0        | 0
            """,
    }.items():
        tables = world(
            paths=f"replay \n {replay}",
            steps="step \n A \n B \n C",
            activity="""
            step | session   | started | completed | progress | score
            A    | -         | 5 Feb   | 5 Feb     |          | 85
            B    | elsewhere | 5 Mar   | 6 Mar     |          |
            C    | -         | 5 Mar   |           | 90       |
            """,
        )
        expect(judge(tables, at("10 Mar")).step_stats, expected)


def test_an_attempt_outside_after_the_end_is_not_carried_over(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type
        A    | course
        B    | assessment
        """,
        activity="""
        step | session | started | completed
        A    | -       | 30 Mar  | 1 Apr
        B    | -       | 30 Mar  | 1 Apr
        """,
    )
    expect(
        judge(tables, at("5 Apr")).step_stats,
        """
        step | carried_over | finished
        A    | no           | no
        B    | yes          | yes
        """,
    )


def test_a_replay_under_way_is_still_pending_until_finished(judge: Judge) -> None:
    tables = world(
        paths="replay \n yes",
        steps="step \n A",
        activity="""
        step | session | started | completed | progress
        A    | -       | 5 Feb   | 5 Feb     |
        A    | S       | 5 Mar   | 8 Mar     | 40
        """,
    )
    for as_of, expected in {
        "5 Mar 12:00": "replay_pending | finished | progress \n yes | no | 0",
        "8 Mar": "replay_pending | finished | progress \n no | yes | 100",
    }.items():
        expect(judge(tables, at(as_of)).step_stats, expected)


def test_an_enrolled_again_learner_resumes(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | enrolled | archived
        e1         | 1 Mar    | 5 Mar
        e2         | 10 Mar   |
        """,
        activity="""
        step | started | completed
        A    | 3 Mar   | 4 Mar
        """,
    )
    expect(
        judge(tables, at("20 Mar")).path_session_stats,
        """
        enrollment | detail
        e1         | successful
        e2         | successful
        """,
    )


def test_reenrolled_learner_restarts_if_the_session_restarts(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions=RESTARTING,
        enrollments="""
        enrollment | enrolled | archived
        e1         | 1 Mar    | 5 Mar
        e2         | 10 Mar   |
        """,
        activity="""
        activity | step | started | completed | time_ms
        nobodys  | A    | 20 Feb  | 3 Mar     | 1
        firsts   | A    | 3 Mar   | 4 Mar     | 2
        too_late | A    | 6 Mar   | 7 Mar     | 4
        seconds  | A    | 10 Mar  |           | 8
        """,
    )
    expect(
        judge(tables, at("20 Mar")).path_session_stats,
        """
        enrollment | detail     | global_time_ms
        e1         | successful | 2
        e2         | onTime     | 8
        """,
    )


def test_an_attempt_begun_before_the_second_enrollment_stays_the_firsts(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions=RESTARTING,
        enrollments="""
        enrollment | enrolled
        e1         | 1 Mar
        e2         | 10 Mar
        """,
        activity="""
        step | started            | completed
        A    | 9 Mar 23:59:59.999 | 12 Mar
        """,
    )
    expect(
        judge(tables, at("20 Mar")).path_session_stats,
        """
        enrollment | detail        | is_current
        e1         | successful    | no
        e2         | notYetStarted | yes
        """,
    )


def test_greater_id_owns_attempts_of_enrollments_at_the_same_instant(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions=RESTARTING,
        enrollments="""
        enrollment | enrolled
        e10        | 1 Mar
        e9         | 1 Mar
        """,
        activity="""
        step | started | completed
        A    | 1 Mar   | 4 Mar
        """,
    )
    expect(
        judge(tables, at("20 Mar")).path_session_stats,
        """
        enrollment | progress
        e10        | 0
        e9         | 100
        """,
    )


def test_restarting_does_not_touch_what_is_carried_over(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions=RESTARTING,
        activity="""
        step | session | completed
        A    | -       | 20 Feb
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "progress \n 100")


def test_an_attempt_seen_only_later_shows_nothing_yet(judge: Judge) -> None:
    tables = world(
        steps="step \n A \n B",
        activity="""
        step | started | last  | completed | progress | time_ms
        A    | 3 Mar   | 8 Mar |           | 60       | 500
        B    | 3 Mar   | 8 Mar | 4 Mar     | 60       | 500
        """,
    )
    answer = judge(tables, at("5 Mar"))
    expect(
        answer.step_stats,
        """
        step | finished | progress | time_ms
        A    | no       | 0        | 0
        B    | yes      | 100      | 500
        """,
    )
    expect(answer.path_session_stats, "started_at | detail \n 3 Mar | onTime")


TWICE = "enrollment | enrolled | archived \n e1 | 1 Mar | 5 Mar \n e2 | 10 Mar | "


def test_an_attempt_that_names_an_enrollment_belongs_to_it_alone(judge: Judge) -> None:
    """Whether a learner who is enrolled again resumes or restarts."""
    for sessions in ("session \n S", RESTARTING):
        tables = world(
            steps="step \n A \n B \n C",
            sessions=sessions,
            enrollments=TWICE,
            activity="""
            enrollment | step      | started | completed | time_ms
            e1         | A         | 3 Mar   | 4 Mar     | 1
            e2         | B         | 3 Mar   | 4 Mar     | 2
            e1         | C         | 12 Mar  | 13 Mar    | 4
            e2         | off path  | 3 Mar   | 4 Mar     | 8
            """,
        )
        answer = judge(tables, at("20 Mar"))
        expect(
            answer.step_stats,
            """
            enrollment | step | finished | attempts_used
            e1         | A    | yes      | 1
            e1         | B    | no       | 0
            e1         | C    | no       | 0
            e2         | A    | no       | 0
            e2         | B    | yes      | 1
            e2         | C    | no       | 0
            """,
        )
        expect(answer.path_session_stats, "enrollment | global_time_ms \n e1 | 1 \n e2 | 10")


def test_an_attempt_that_names_no_enrollment_is_seen_as_before(judge: Judge) -> None:
    for sessions, firsts in (("session \n S", "yes"), (RESTARTING, "no")):
        tables = world(
            steps="step \n A \n B",
            sessions=sessions,
            enrollments="enrollment | enrolled \n e1 | 1 Mar \n e2 | 10 Mar",
            activity="enrollment | step | completed \n - | A | 12 Mar \n e2 | B | 12 Mar",
        )
        expect(
            judge(tables, at("20 Mar")).step_stats,
            f"""
            enrollment | step | finished
            e1         | A    | {firsts}
            e1         | B    | no
            e2         | A    | yes
            e2         | B    | yes
            """,
        )


def test_an_attempt_that_names_a_foreign_enrollment_does_not_count_in_its_session(judge: Judge) -> None:
    """An unknown enrollment, another learner's, one in another session, and an id in another case."""
    tables = world(
        steps="step \n A \n B \n C \n D",
        sessions="session \n S \n T",
        enrollments="enrollment | user | session \n e1 | u1 | S \n e2 | u2 | S \n t1 | u1 | T",
        activity="""
        enrollment | step | completed | time_ms
        gone       | A    | 4 Mar     | 1
        e2         | B    | 4 Mar     | 2
        t1         | C    | 4 Mar     | 4
        E1         | D    | 4 Mar     | 8
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        session | user | detail        | progress | global_time_ms
        S       | u1   | notYetStarted | 0        | 0
        S       | u2   | notYetStarted | 0        | 0
        T       | u1   | successful    | 100      | 15
        """,
    )


def test_an_attempt_elsewhere_is_carried_over_whatever_enrollment_it_names(judge: Judge) -> None:
    tables = world(
        steps="step \n A \n B",
        activity="""
        enrollment | step | session   | completed
        other      | A    | elsewhere | 20 Feb
        other      | B    | -         | 20 Feb
        """,
    )
    expect(judge(tables, at("5 Mar")).path_session_stats, "progress \n 100")


def test_an_attempt_in_a_child_session_belongs_to_the_child_enrollment_it_names(judge: Judge) -> None:
    tables = world(
        paths="path \n P \n Q",
        steps="path | step | type \n P | Q | path \n Q | B | ",
        sessions="session | path \n S | P \n C | Q",
        children="session \n C",
        enrollments="enrollment | session | enrolled \n e1 | S | 1 Mar \n c1 | C | 1 Mar \n c2 | C | 2 Mar",
        activity="enrollment | step | session | completed \n c1 | B | C | 4 Mar",
    )
    answer = judge(tables, at("5 Mar"))
    expect(
        answer.path_session_stats,
        """
        session | enrollment | progress
        C       | c1         | 100
        C       | c2         | 0
        S       | e1         | 0
        """,
    )
