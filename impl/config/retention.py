"""`retention`: for how long messages are kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from impl.config.section import Section

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class PurgeJob:
    """How often messages are deleted in the rooms whose `max_lifetime` is longer than the one and
    no longer than the other; None: no bound.
    """

    interval: int = DAY_MS
    shortest_max_lifetime: int | None = None
    longest_max_lifetime: int | None = None

    def is_for(self, max_lifetime: int) -> bool:
        shortest, longest = self.shortest_max_lifetime, self.longest_max_lifetime
        return (shortest is None or max_lifetime > shortest) and (
            longest is None or max_lifetime <= longest
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """`retention`. `max_lifetime` is that of `default_policy`."""

    enabled: bool = False
    max_lifetime: int | None = None
    allowed_lifetime_min: int | None = None
    allowed_lifetime_max: int | None = None
    purge_jobs: tuple[PurgeJob, ...] = (PurgeJob(),)

    def within_limits(self, max_lifetime: int) -> int:
        """A lifetime, or what is allowed of it. Whoever must delete must, whatever else is set."""
        if self.allowed_lifetime_min is not None:
            max_lifetime = max(max_lifetime, self.allowed_lifetime_min)
        if self.allowed_lifetime_max is not None:
            max_lifetime = min(max_lifetime, self.allowed_lifetime_max)
        return max_lifetime


def read(root: Section) -> Retention:
    section = root.section("retention")
    policy = section.section("default_policy")
    _, max_lifetime = _pair(policy, "min_lifetime", "max_lifetime")
    policy.finish()
    least, most = _pair(section, "allowed_lifetime_min", "allowed_lifetime_max")
    retention = Retention(
        enabled=section.boolean("enabled", False),
        max_lifetime=max_lifetime,
        allowed_lifetime_min=least,
        allowed_lifetime_max=most,
        purge_jobs=tuple(_read_jobs(section)) or (PurgeJob(),),
    )
    section.finish()
    return retention


def _read_jobs(section: Section) -> Iterator[PurgeJob]:
    for job in section.sections("purge_jobs"):
        interval = job.duration("interval")
        if not interval:
            raise job.error("interval", "is missing" if interval is None else "must not be 0")
        shortest, longest = _pair(job, "shortest_max_lifetime", "longest_max_lifetime")
        job.finish()
        yield PurgeJob(interval, shortest, longest)


def _pair(section: Section, lower: str, upper: str) -> tuple[int | None, int | None]:
    """Two durations, the first of which is not the greater."""
    least, most = section.duration(lower), section.duration(upper)
    if least is not None and most is not None and least > most:
        raise section.error(lower, f"must not be greater than {section.key(upper)}")
    return least, most
