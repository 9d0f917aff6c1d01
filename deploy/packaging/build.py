"""Builds what a release consists of, in dist/: the wheel, the offline bundle, the Debian package, each signed.

    python -m deploy.packaging.build [--to dist] [--key KEY.pem] [--python PYTHON ...] [--version VERSION]

The steps are those of ``main``, in their order. Wheels are for the Python that runs this, and for every other that
``--python`` names, so that a package outlives a change of the system's Python. The one who builds needs the ``release``
extra (nfpm, cyclonedx-bom); who installs needs neither that nor a network.
"""

import argparse
import gzip
import json
import os
import platform
import re
import shutil
import string
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.packaging.bill_of_materials import write_bill
from deploy.packaging.signing import release_key, sign_file
from deploy.packaging.wheels import (
    ROOT,
    PackagingError,
    build_own_wheel,
    download_wheels,
    metadata,
    run,
    sha256,
    with_version,
    write_lists,
)

HERE = Path(__file__).parent
_DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_DOCUMENTS = ("README.md", "CHANGELOG.md", "LICENSE", "THIRD_PARTY_NOTICES.md")
_EXAMPLES = ("mosquitto", "grafana", "plc")
_MAINTAINER = re.compile(r"[^<>@]+ <[^<>@\s]+@[^<>@\s]+>")
_SHELLS = ("bash", "zsh", "fish")


def debian_architecture() -> str:
    """Return Debian's name of this machine's processor."""
    return _DEBIAN_ARCHITECTURES.get(platform.machine(), platform.machine())


def collect_wheels(stage: Path, pythons: list[Path], version: str | None) -> Path:
    """Fill ``stage/wheels``; return Labline's own wheel."""
    folder = stage / "wheels"
    folder.mkdir()
    own = build_own_wheel(pythons[0], folder)
    if version:
        renamed = with_version(own, version, folder)
        own.unlink()
        own = renamed
    download_wheels(pythons, folder)
    write_lists(pythons, folder)
    return own


def collect_share(stage: Path) -> None:
    """Fill ``stage/share``: unit, example configuration, documents, examples for others, completion, manual page."""
    share = stage / "share"
    (share / "doc").mkdir(parents=True)
    (share / "completion").mkdir()
    (share / "man").mkdir()
    shutil.copy(ROOT / "deploy" / "labline@.service", share)
    shutil.copy(ROOT / "deploy" / "labline.toml", share / "example.toml")
    for folder in _EXAMPLES:
        shutil.copytree(ROOT / "deploy" / folder, share / "doc" / folder)
    for name in _DOCUMENTS:
        shutil.copy(ROOT / name, share / "doc")
    shutil.copytree(ROOT / "docs", share / "doc" / "docs", ignore=shutil.ignore_patterns("*.png", "*.py", "*.1"))
    run(tool("mkdocs"), "build", "--strict", "--quiet", "--site-dir", share / "doc" / "html", NO_MKDOCS_2_WARNING="1")
    write_bill(stage / "wheels", share / "doc" / "labline.cdx.json", cyclonedx=tool("cyclonedx-py"))
    for shell in _SHELLS:
        script = run(sys.executable, "-m", "gateway", _LABLINE_COMPLETE=f"source_{shell}")
        (share / "completion" / f"labline.{shell}").write_text(script, encoding="utf-8")
    page = (ROOT / "docs" / "labline.1").read_bytes()
    (share / "man" / "labline.1.gz").write_bytes(gzip.compress(page, mtime=0))


def write_bundle(stage: Path, name: str, output: Path) -> Path:
    """Return ``NAME.tar``: wheels, what an administrator needs, the programs, and checksums of them all."""
    shutil.copy(HERE / "install.sh", stage)
    (stage / "bin").mkdir()
    for program in ("labline", "labline-rebuild"):
        shutil.copy(HERE / program, stage / "bin")
    files = sorted(file for file in stage.rglob("*") if file.is_file())
    sums = "".join(f"{sha256(file)}  {file.relative_to(stage)}\n" for file in files)
    (stage / "SHA256SUMS").write_text(sums, encoding="utf-8")
    bundle = output / f"{name}.tar"
    with tarfile.open(bundle, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(stage, arcname=name, filter=_owned_by_root)
    return bundle


def debian_version(version: str) -> str:
    """Return a Python version as dpkg orders it: 0.2.0rc1 and 0.2.0.dev1 come before 0.2.0."""
    return re.sub(r"\.?(a|b|rc|dev)(\d+)", r"~\1\2", version)


def maintainer(environment: Mapping[str, str]) -> str:
    """Return who answers for the package: Debian's own variables say it, else nobody can be written to (RFC 2606)."""
    name, address = environment.get("DEBFULLNAME", "Labline"), environment.get("DEBEMAIL", "nobody@labline.invalid")
    text = f"{name} <{address}>"
    if any(not char.isprintable() for char in text) or not _MAINTAINER.fullmatch(text):
        raise PackagingError(f"DEBFULLNAME and DEBEMAIL make no maintainer: {text!r}")
    return json.dumps(text, ensure_ascii=False)  # quoted as YAML wants it, too


def write_debian_package(stage: Path, version: str, output: Path) -> Path:
    """Return the Debian package, made by nfpm from the same wheels."""
    values = {"STAGE": str(stage), "VERSION": debian_version(version), "DEBIAN_ARCHITECTURE": debian_architecture(),
              "MAINTAINER": maintainer(os.environ)}  # fmt: skip
    package = output / f"labline_{values['VERSION']}_{values['DEBIAN_ARCHITECTURE']}.deb"
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as recipe:
        recipe.write(string.Template((HERE / "nfpm.yaml").read_text("utf-8")).substitute(values))
        recipe.flush()
        run(tool("nfpm"), "package", "--config", recipe.name, "--packager", "deb", "--target", package)
    return package


def tool(name: str) -> Path:
    """Return a program of the ``release`` extra, which lies beside this Python; raises PackagingError without it."""
    program = Path(sys.executable).parent / name
    if not program.exists():
        raise PackagingError(f"{name} is missing beside {sys.executable}: install the extra 'release'")
    return program


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def build(output: Path, *, key: Path | None, pythons: list[Path], version: str | None, stage: Path) -> list[Path]:
    """Build everything into a folder, by way of ``stage``, which stays; return the files, then their signatures."""
    signer = release_key(key)
    os.umask(0o022)  # a service's own user reads what is packed here
    output.mkdir(parents=True, exist_ok=True)
    stage.mkdir(parents=True)
    own = collect_wheels(stage, [Path(sys.executable), *pythons], version)
    collect_share(stage)
    version = str(metadata(own)["Version"])
    files = [
        Path(shutil.copy(own, output)),
        write_debian_package(stage, version, output),
        write_bundle(stage, f"labline-{version}-{debian_architecture()}", output),
        Path(shutil.copy(stage / "share" / "doc" / "labline.cdx.json", output)),
    ]
    return files + [sign_file(file, signer) for file in files] if signer else files


def main() -> None:
    """Build, and print what was built."""
    parser = argparse.ArgumentParser(description="Build Labline's packages.")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="the folder for what is built")
    parser.add_argument("--key", type=Path, help="Ed25519 key (PEM) that signs; else the credential release_key.pem")
    parser.add_argument("--python", type=Path, action="append", default=[], help="one more Python to have wheels for")
    parser.add_argument("--version", help="another version than pyproject.toml says, such as 0.2.0rc1")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            files = build(options.to, key=options.key, pythons=options.python, version=options.version,
                          stage=Path(folder, "stage"))  # fmt: skip
    except PackagingError as error:
        sys.exit(f"packages: {error}")
    for file in files:
        print(file)
    if not any(file.suffix == ".minisig" for file in files):
        print("not signed: name a key with --key, or give the credential release_key.pem")


if __name__ == "__main__":
    main()
