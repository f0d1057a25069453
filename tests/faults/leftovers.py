"""What a run may not leave behind once all is done."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Leftovers:
    """Rows of the journal, runs that say they are under way, schemas beside the database."""

    journal: int
    unfinished: int
    schemas: tuple[str, ...]

    def __str__(self) -> str:
        found = {
            "rows in the journal": self.journal,
            "runs that say they are under way": self.unfinished,
            "schemas": ", ".join(self.schemas),
        }
        return "; ".join(f"{name}: {value}" for name, value in found.items() if value)
