# One broken input: files, the command that meets them, and the exit code it must end with.

from dataclasses import dataclass, field


@dataclass
class Case:
    what: str
    files: dict[str, str | bytes]
    arguments: list[str]
    status: int = 2
    links: dict[str, str] = field(default_factory=dict)  # name -> target
