"""R14 archived_at, R15 the enrollment that answers, and the sessions' summary."""

from tests.reference.tables import Judge, at, expect, world


def test_the_latest_enrollment_that_is_not_archived_answers(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | enrolled | archived
        e1         | 1 Mar    |
        e2         | 3 Mar    |
        e3         | 5 Mar    | 6 Mar
        e4         | 12 Mar   |
        """,
    )
    for as_of, expected in {
        "4 Mar": "enrollment | is_current | archived \n e1 | no | \n e2 | yes |",
        "5 Mar": "enrollment | is_current | archived \n e1 | no | \n e2 | no | \n e3 | yes |",
        "6 Mar": "enrollment | is_current | archived \n e1 | no | \n e2 | yes | \n e3 | no | 6 Mar",
    }.items():
        expect(judge(tables, at(as_of)).path_session_stats, expected)


def test_current_enrollment_is_the_one_archived_last_if_all_are_archived(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | enrolled | archived
        e1         | 1 Mar    | 9 Mar
        e2         | 3 Mar    | 8 Mar
        """,
    )
    expect(
        judge(tables, at("10 Mar")).path_session_stats,
        """
        enrollment | is_current | archived
        e1         | yes        | 9 Mar
        e2         | no         | 8 Mar
        """,
    )


def test_ties_go_to_the_greater_id_as_text(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        enrollments="""
        enrollment | user | enrolled | archived
        e10        | u1   | 1 Mar    |
        e9         | u1   | 1 Mar    |
        f10        | u2   | 2 Mar    | 5 Mar
        f9         | u2   | 1 Mar    | 5 Mar
        g10        | u3   | 1 Mar    | 9 Mar
        g9         | u3   | 1 Mar    | 5 Mar
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        enrollment | is_current
        e10        | no
        e9         | yes
        f10        | no
        f9         | yes
        g10        | yes
        g9         | no
        """,
    )


def test_current_enrollment_is_per_session_and_company(judge: Judge) -> None:
    tables = world(
        paths="company \n acme \n other",
        sessions="company | session \n acme | S \n acme | S2 \n other | S",
        steps="company | step \n acme | A \n other | A",
        enrollments="""
        company | enrollment | session | enrolled
        acme    | e1         | S       | 1 Mar
        acme    | e2         | S2      | 2 Mar
        other   | e1         | S       | 3 Mar
        """,
    )
    expect(
        judge(tables, at("5 Mar")).path_session_stats,
        """
        company | session | enrollment | is_current
        acme    | S       | e1         | yes
        acme    | S2      | e2         | yes
        other   | S       | e1         | yes
        """,
    )


def test_the_summary_counts_learners_who_are_enrolled(judge: Judge) -> None:
    tables = world(
        steps="step | due \n A | 7 days \n B |",
        enrollments="""
        enrollment | user | enrolled | archived
        e1         | u1   | 1 Mar    |
        e2         | u2   | 1 Mar    |
        e3         | u3   | 1 Mar    |
        e4         | u4   | 1 Mar    |
        e5         | u5   | 1 Mar    | 6 Mar
        e6         | u4   | 1 Feb    | 6 Mar
        """,
        activity="""
        user | step | completed | score | time_ms
        u1   | A    | 2 Mar     | 80    | 10
        u1   | B    | 2 Mar     | 91    | 20
        u2   | A    | 2 Mar     | 70    | 5
        u3   | B    | 3 Mar     |       | 8
        u5   | A    | 2 Mar     | 10    | 1000
        """,
    )
    expect(
        judge(tables, at("10 Mar")).session_summary,
        """
        successful | late | on_time | not_yet_started | enrolled | archived | mean_progress | mean_score
        1          | 1    | 1       | 1               | 4        | 1        | 50            | 78
        """,
    )
    expect(judge(tables, at("10 Mar")).session_summary, "median_global_time_ms \n 6.5")


def test_every_session_of_a_known_path_is_summed_up(judge: Judge) -> None:
    tables = world(
        steps="step \n A",
        sessions="""
        session | path    | starts
        Z       | P       |
        a       | P       | 1 Mar 2027
        S       | P       |
        lost    | nowhere |
        """,
        enrollments="""
        enrollment | session | user | enrolled | archived
        e1         | S       | u1   | 1 Mar    | 4 Mar
        e2         | S       | u2   | 9 Mar    |
        """,
    )
    tables["path_sessions"][1]["ends_at"] = None
    expect(
        judge(tables, at("5 Mar")).session_summary,
        """
        session | path | name      | enrolled | archived | mean_progress | mean_score | median_global_time_ms
        S       | P    | name of S | 0        | 1        |               |            |
        Z       | P    | name of Z | 0        | 0        |               |            |
        a       | P    | name of a | 0        | 0        |               |            |
        """,
    )
