"""R3: which steps count."""

from tests.reference.tables import Judge, at, expect, world


def test_messages_are_not_training(judge: Judge) -> None:
    tables = world(
        steps="""
        step | type
        A    | course
        B    | classroom
        C    | path
        D    | program
        E    | assessment
        m1   | email
        m2   | slackMessage
        m3   | teamsMessage
        """,
    )
    answer = judge(tables, at("5 Mar"))
    expect(answer.step_stats, "step \n A \n B \n C \n D \n E")
    expect(answer.path_session_stats, "required_steps \n 5")


def test_definition_is_valid_from_its_first_until_before_its_last_instant(judge: Judge) -> None:
    tables = world(
        steps="""
        step | from  | to
        A    |       | 5 Mar
        B    | 5 Mar |
        C    | 5 Mar | 5 Mar 00:00:00.000001
        """,
    )
    expect(judge(tables, at("4 Mar")).step_stats, "step \n A")
    expect(judge(tables, at("5 Mar")).step_stats, "step \n B \n C")
    expect(judge(tables, at("6 Mar")).step_stats, "step \n B")


def test_an_archived_learner_keeps_the_steps_of_then(judge: Judge) -> None:
    tables = world(
        steps="""
        step | min_score | to    | from
        A    |           | 8 Mar |
        A    | 80        |       | 8 Mar
        """,
        enrollments="""
        enrollment | user | archived
        e1         | u1   | 7 Mar
        e2         | u2   |
        """,
        activity="""
        step | user | completed | score
        A    | u1   | 6 Mar     | 60
        A    | u2   | 6 Mar     | 60
        """,
    )
    expect(
        judge(tables, at("20 Mar")).path_session_stats,
        """
        enrollment | detail
        e1         | successful
        e2         | toRetake
        """,
    )


def test_latest_of_several_valid_versions_counts(judge: Judge) -> None:
    tables = world(
        steps="""
        step | position | type   | optional | from
        A    | 3        | course | yes      |
        A    | 2        | course | no       | 2 Mar
        A    | 1        | course | yes      | 1 Mar
        B    | 4        | course |          |
        B    | 4        | email  |          | 2 Mar
        """,
    )
    expect(
        judge(tables, at("5 Mar")).step_stats,
        """
        step | position | optional
        A    | 2        | no
        """,
    )


def test_equal_positions_go_by_step_id(judge: Judge) -> None:
    tables = world(
        steps="""
        step | position
        b    | 1
        B    | 1
        é    | 1
        z    | 0
        """,
    )
    expect(judge(tables, at("5 Mar")).step_stats, "step \n z \n B \n b \n é")


def test_a_step_of_another_path_or_company_is_not_counted(judge: Judge) -> None:
    tables = world(
        paths="""
        company | path
        acme    | P
        acme    | Q
        other   | P
        """,
        steps="""
        company | path | step
        acme    | P    | A
        acme    | Q    | B
        other   | P    | C
        """,
    )
    expect(judge(tables, at("5 Mar")).step_stats, "step \n A")


def test_a_path_without_steps(judge: Judge) -> None:
    tables = world(steps="step | type \n m | email")
    answer = judge(tables, at("5 Mar"))
    expect(answer.step_stats, "step")
    expect(
        answer.path_session_stats,
        """
        progress | status | detail        | result | score | required_steps | all_required_finished_at
        0        | onTime | notYetStarted |        |       | 0              |
        """,
    )


def test_enrollment_with_a_missing_reference_does_not_count(judge: Judge) -> None:
    tables = world(
        users="user \n u1",
        sessions="""
        session | path
        S       | P
        S2      | nowhere
        """,
        steps="step \n A",
        enrollments="""
        enrollment | session | user
        e1         | S       | u1
        e2         | S       | stranger
        e3         | S2      | u1
        e4         | S3      | u1
        """,
    )
    answer = judge(tables, at("5 Mar"))
    expect(answer.path_session_stats, "enrollment \n e1")
    expect(answer.session_summary, "session | enrolled \n S | 1")
