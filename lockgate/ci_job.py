"""The job of a CI system that runs this process, by the variables that such systems set.

Proves nothing: the one who starts the process sets its variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lockgate.planner.plan.receipt import Job


LONGEST = 255
FIELDS = ("project", "job", "run", "commit", "user")
# Of each system: the variable that only its jobs have, and those of the fields. The last is for the
# rest, most of which set CI.
# https://docs.github.com/en/actions/reference/workflows-and-actions/variables
# https://docs.gitlab.com/ci/variables/predefined_variables/
SYSTEMS = {
    "GitHub Actions": ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_JOB", "GITHUB_RUN_ID",
                       "GITHUB_SHA", "GITHUB_ACTOR"),
    "GitLab CI": ("GITLAB_CI", "CI_PROJECT_PATH", "CI_JOB_ID", "CI_PIPELINE_ID", "CI_COMMIT_SHA",
                  "GITLAB_USER_LOGIN"),
    "CircleCI": ("CIRCLECI", "CIRCLE_PROJECT_REPONAME", "CIRCLE_JOB", "CIRCLE_WORKFLOW_ID",
                 "CIRCLE_SHA1", "CIRCLE_USERNAME"),
    "Buildkite": ("BUILDKITE", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_JOB_ID",
                  "BUILDKITE_BUILD_NUMBER", "BUILDKITE_COMMIT", "BUILDKITE_BUILD_CREATOR"),
    "Azure Pipelines": ("TF_BUILD", "BUILD_REPOSITORY_NAME", "SYSTEM_JOBID", "BUILD_BUILDID",
                        "BUILD_SOURCEVERSION", "BUILD_REQUESTEDFOR"),
    "Jenkins": ("JENKINS_URL", "GIT_URL", "JOB_NAME", "BUILD_NUMBER", "GIT_COMMIT",
                "BUILD_USER_ID"),
    "CI": ("CI", "GIT_URL", "JOB_NAME", "BUILD_NUMBER", "GIT_COMMIT", "BUILD_USER_ID"),
}  # fmt: skip
NO = ("", "0", "false", "no")


def read_job(variables: Mapping[str, str]) -> Job | None:
    """The job that a process's variables name; None outside of CI.

    >>> read_job({"GITLAB_CI": "true", "CI": "true", "CI_JOB_ID": "7"}).system
    'GitLab CI'
    >>> read_job({"CI": "false"}) is None
    True
    """
    for system, (mark, *names) in SYSTEMS.items():
        if variables.get(mark, "").lower() not in NO:
            said = (variables.get(name, "")[:LONGEST] for name in names)
            from lockgate.planner.plan.receipt import Job

            return Job(system=system, **dict(zip(FIELDS, said, strict=True)))
    return None
