"""`retention`: Synapse's defaults, what is read, what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from impl.config import Config, ConfigError, load
from impl.config.retention import DAY_MS, PurgeJob, Retention

Load = Callable[[str], tuple[Config, list[str]]]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def load_it(text: str) -> tuple[Config, list[str]]:
        path = tmp_path / "homeserver.yaml"
        path.write_text("server_name: soma.test\n" + text)
        return load(path)

    return load_it


@pytest.mark.parametrize("text", ["", "retention:\n", "retention: {purge_jobs: []}\n"])
def test_the_defaults(load_text: Load, text: str) -> None:
    config, warnings = load_text(text)
    assert warnings == []
    assert config.retention == Retention(
        enabled=False,
        max_lifetime=None,
        allowed_lifetime_min=None,
        allowed_lifetime_max=None,
        purge_jobs=(PurgeJob(DAY_MS, None, None),),
    )


def test_all_of_it(load_text: Load) -> None:
    config, warnings = load_text(
        """
retention:
  enabled: true
  default_policy: {min_lifetime: 1d, max_lifetime: 1y}
  allowed_lifetime_min: 3600000
  allowed_lifetime_max: 2y
  purge_jobs:
    - {longest_max_lifetime: 3d, interval: 12h}
    - {shortest_max_lifetime: 3d, longest_max_lifetime: 3d, interval: 1d}
    - {shortest_max_lifetime: 3d, interval: 2d}
"""
    )
    assert warnings == []
    assert config.retention == Retention(
        enabled=True,
        max_lifetime=365 * DAY_MS,
        allowed_lifetime_min=3_600_000,
        allowed_lifetime_max=730 * DAY_MS,
        purge_jobs=(
            PurgeJob(DAY_MS // 2, None, 3 * DAY_MS),
            PurgeJob(DAY_MS, 3 * DAY_MS, 3 * DAY_MS),
            PurgeJob(2 * DAY_MS, 3 * DAY_MS, None),
        ),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("enabled: 1", "retention.enabled must be true or false"),
        ("default_policy: 1d", "retention.default_policy must be a mapping"),
        ("default_policy: {max_lifetime: soon}", "retention.default_policy.max_lifetime must be a"),
        (
            "default_policy: {min_lifetime: 2d, max_lifetime: 1d}",
            "retention.default_policy.min_lifetime must not be greater than"
            " retention.default_policy.max_lifetime",
        ),
        (
            "{allowed_lifetime_min: 2d, allowed_lifetime_max: 1d}",
            "retention.allowed_lifetime_min must not be greater than"
            " retention.allowed_lifetime_max",
        ),
        ("allowed_lifetime_max: -1", "retention.allowed_lifetime_max must be a duration"),
        ("purge_jobs: {interval: 1d}", "retention.purge_jobs must be a list"),
        ("purge_jobs: [1d]", r"retention.purge_jobs\[0\] must be a mapping"),
        (
            "purge_jobs: [{interval: 1d}, {longest_max_lifetime: 1d}]",
            r"retention.purge_jobs\[1\].interval is missing",
        ),
        ("purge_jobs: [{interval: 0}]", r"retention.purge_jobs\[0\].interval must not be 0"),
        (
            "purge_jobs: [{interval: 1d, shortest_max_lifetime: 2d, longest_max_lifetime: 1d}]",
            r"retention.purge_jobs\[0\].shortest_max_lifetime must not be greater than"
            r" retention.purge_jobs\[0\].longest_max_lifetime",
        ),
    ],
)
def test_what_is_refused_is_named(load_text: Load, text: str, complaint: str) -> None:
    value = text if text.startswith("{") else "{" + text + "}"
    with pytest.raises(ConfigError, match=complaint):
        load_text(f"retention: {value}\n")


def test_a_key_that_is_not_known_is_named(load_text: Load) -> None:
    _, warnings = load_text("retention: {enable: true, default_policy: {lifetime: 1d}}\n")
    assert warnings == [
        "retention.default_policy.lifetime is not a key that Soma knows: it is ignored",
        "retention.enable is not a key that Soma knows: it is ignored",
    ]


def test_a_job_is_for_what_is_longer_than_the_one_and_no_longer_than_the_other() -> None:
    job = PurgeJob(DAY_MS, 10, 20)
    assert [one for one in (9, 10, 11, 20, 21) if job.is_for(one)] == [11, 20]
    assert PurgeJob().is_for(0)


def test_the_limits_bound_what_is_wanted() -> None:
    limits = Retention(allowed_lifetime_min=10, allowed_lifetime_max=20)
    assert [limits.within_limits(one) for one in (0, 10, 15, 20, 30)] == [10, 10, 15, 20, 20]
    assert Retention().within_limits(5) == 5
