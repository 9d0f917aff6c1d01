"""What answers stand on besides the records: contacts, and whether terminals are answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class CopilotOptions:
    """As the configuration has it; ``contacts``: by subject. ``terminals``: whether they are answered over MQTT."""

    contacts: Mapping[str, str] = field(default_factory=dict)
    terminals: bool = False
