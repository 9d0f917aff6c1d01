"""The image that the container file describes, built from the bundle where a container engine answers."""

import shutil
import subprocess

import pytest

from tests.fixtures.real_parts import REPOSITORY

FILE = REPOSITORY / "deploy" / "Containerfile"


def engine():
    """Return a container engine that answers, or None: to ask one costs little, to need one would be too much."""
    for name in ("podman", "docker"):
        program = shutil.which(name)
        if program and subprocess.run([program, "info"], check=False, capture_output=True, timeout=60).returncode == 0:
            return program
    return None


if engine() is not None:

    @pytest.fixture(scope="module")
    def image(release):
        bundle = release.bundle.name.removesuffix(".tar")
        command = [engine(), "build", "--quiet", "--file", FILE, "--build-arg", f"BUNDLE={bundle}", "."]
        (release.folder / "dist").mkdir(exist_ok=True)
        shutil.copy(release.bundle, release.folder / "dist")
        built = subprocess.run(command, check=True, capture_output=True, text=True, cwd=release.folder)
        return built.stdout.split()[-1]

    def test_the_image_starts_on_a_read_only_root(image):
        command = [engine(), "run", "--rm", "--read-only", "--cap-drop=all", image, "--version"]
        assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.startswith("labline ")
