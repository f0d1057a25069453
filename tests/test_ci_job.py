"""The job of a CI system, by its variables."""

import pytest

from lockgate.ci_job import LONGEST, read_job

GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_REPOSITORY": "ann/shop",
    "GITHUB_JOB": "production",
    "GITHUB_RUN_ID": "77",
    "GITHUB_SHA": "0" * 40,
    "GITHUB_ACTOR": "ann",
}
GITLAB = {
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": "ann/shop",
    "CI_JOB_ID": "production",
    "CI_PIPELINE_ID": "77",
    "CI_COMMIT_SHA": "0" * 40,
    "GITLAB_USER_LOGIN": "ann",
}


@pytest.mark.parametrize(("system", "given"), [("GitHub Actions", GITHUB), ("GitLab CI", GITLAB)])
def test_a_job_says_what_its_system_set(system: str, given: dict[str, str]) -> None:
    job = read_job(given)
    assert job is not None
    assert job.system == system
    assert (job.project, job.job, job.run) == ("ann/shop", "production", "77")
    assert (job.commit, job.user) == ("0" * 40, "ann")


def test_a_system_that_is_not_known_is_ci_all_the_same() -> None:
    job = read_job({"CI": "1", "BUILD_NUMBER": "5"})
    assert job is not None
    assert (job.system, job.run, job.user) == ("CI", "5", "")


@pytest.mark.parametrize("given", [{}, {"CI": "false"}, {"CI": ""}, {"GITHUB_SHA": "0"}])
def test_outside_of_ci_there_is_no_job(given: dict[str, str]) -> None:
    assert read_job(given) is None


def test_what_is_long_is_cut() -> None:
    job = read_job(GITHUB | {"GITHUB_JOB": "x" * 100_000})
    assert job is not None
    assert job.job == "x" * LONGEST
