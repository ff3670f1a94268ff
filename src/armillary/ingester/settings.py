from __future__ import annotations

from dataclasses import dataclass, field

from armillary.core.frames import DataRights, HeaderVocabulary


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How files are understood."""

    vocabulary: HeaderVocabulary = field(default_factory=HeaderVocabulary)
    rights: DataRights = field(default_factory=DataRights)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an outage is waited for: attempts with growing pauses in between, in real seconds."""

    attempts: int = 5
    first_pause_s: float = 0.5
    factor: float = 3.0
    longest_pause_s: float = 60.0

    def pauses_s(self) -> list[float]:
        """The pauses between the attempts."""
        return [
            min(self.first_pause_s * self.factor**number, self.longest_pause_s) for number in range(self.attempts - 1)
        ]
