"""Where a new configuration stands, and what lies beside it: certificates, secrets, the store."""

from dataclasses import dataclass
from pathlib import Path

OF_THE_SERVICE = Path("/etc/labline")
_STORES_OF_THE_SERVICE = Path("/var/lib/labline")
_ONE_LINE = "labline"  # of labline.toml, which has its folder to itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The folder of a configuration; ``name``: that of its file, without .toml. Several lines may share a folder."""

    folder: Path
    name: str

    @classmethod
    def of(cls, configuration: Path) -> "Place":
        """Return the place of a configuration's file."""
        return cls(folder=configuration.absolute().parent, name=configuration.stem)

    @property
    def _own(self) -> str:
        """Return the folder of this line within one that holds several, "" for the only one."""
        return "" if self.name == _ONE_LINE else self.name

    @property
    def store(self) -> str:
        """Return the store's directory, as the configuration names it."""
        if self.folder == OF_THE_SERVICE:
            return str(_STORES_OF_THE_SERVICE / self.name)
        return str(Path("store") / self._own)

    @property
    def credentials(self) -> Path:
        """Return the folder of its secrets; for a line of the service, where the unit looks for them."""
        return self.folder / "credentials" / self._own

    @property
    def certificate(self) -> Path:
        """Return its own OPC UA certificate."""
        return self.folder / f"{self.name}.der"

    def trusted(self, server: str) -> Path:
        """Return the folder of a server's certificates that are trusted."""
        return self.folder / "trusted" / self._own / server

    def keep_secret(self, name: str, content: bytes) -> Path:
        """Write a credential for its owner only; return its file."""
        self.credentials.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.credentials / name
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(content)
        return path

    def keep(self, name: str, content: bytes) -> Path:
        """Write a certificate beside the configuration, to be read by the service; return its file."""
        path = self.folder / f"{self.name}-{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
        return path
