"""From ``[traces]`` to where spans are sent."""

from importlib.util import find_spec

from gateway.config.credentials import credential
from gateway.config.tables import Settings
from gateway.errors import ConfigurationError, Problem
from gateway.operations.trace_options import TraceOptions

_LIBRARIES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def trace_options(settings: Settings) -> TraceOptions | None:
    """Return where spans are sent, None where they are not; raises ConfigurationError where that cannot be."""
    table = settings.traces
    if table is None:
        return None
    if not all(_is_installed(library) for library in _LIBRARIES):
        raise _wrong("needs OpenTelemetry, which is not installed", "install labline[traces], or leave [traces] out")
    if table.ca_certificate is not None and not table.ca_certificate.is_file():
        raise _wrong("ca_certificate is no file that can be read", "name the PEM file of the authority")
    token = credential("traces_token")
    if token is not None and not (token.isascii() and token.isprintable()):
        raise _wrong("credential traces_token has characters that no header has", "look at the credential's file")
    return TraceOptions(
        endpoint=table.endpoint, share=table.share, ca_certificate=table.ca_certificate, token=token or None
    )


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # what it is a part of is not there either
        return False


def _wrong(message: str, hint: str) -> ConfigurationError:
    return ConfigurationError((Problem(file="configuration", key="traces", message=message, hint=hint),))
