"""A certificate that ends soon is an alarm, whatever it is for."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.advice.gateway_alarms import title_of
from gateway.runtime.certificate_watch import CertificateWatch

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def certificate(*, days):
    """Return a certificate as PEM that ends so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"of {days}")])
    made = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1,
        not_valid_before=NOW - timedelta(days=1), not_valid_after=NOW + timedelta(days=days),
    )  # fmt: skip
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


async def judged(certificates):
    """Return the conditions that one look at the certificates reports."""
    conditions = {}
    watch = CertificateWatch(
        certificates, now_ns=lambda: int(NOW.timestamp()) * 10**9, on_condition=conditions.__setitem__
    )
    task = asyncio.create_task(watch.run(), name="watch")
    async with asyncio.timeout(30):
        while len(conditions) < len([name for name in certificates if not name.startswith("opcua")]):
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return conditions


@pytest.mark.parametrize(("days", "soon"), [(400, False), (31, False), (29, True), (-0.5, True)])
async def test_what_ends_within_thirty_days_or_has_ended_is_an_alarm(tmp_path, days, soon):
    (tmp_path / "console.pem").write_bytes(certificate(days=days))
    assert await judged({"console": tmp_path / "console.pem", "opcua plc1": tmp_path / "console.pem"}) == {
        "CERTIFICATE_EXPIRES_CONSOLE": soon
    }


async def test_one_authority_that_lasts_is_enough_and_a_file_that_is_none_is_reported_elsewhere(tmp_path):
    (tmp_path / "old and new.pem").write_bytes(certificate(days=3) + certificate(days=300))
    (tmp_path / "old.pem").write_bytes(certificate(days=3) + certificate(days=4))
    (tmp_path / "none.pem").write_bytes(b"none")
    assert await judged({"mqtt ca": tmp_path / "old and new.pem", "mqtt": tmp_path / "none.pem"}) == {
        "CERTIFICATE_EXPIRES_MQTT_CA": False, "CERTIFICATE_EXPIRES_MQTT": False
    }  # fmt: skip
    assert await judged({"mqtt ca": tmp_path / "old.pem"}) == {"CERTIFICATE_EXPIRES_MQTT_CA": True}
    assert title_of("CERTIFICATE_EXPIRES_MQTT_CA") == "The certificate of mqtt_ca expires soon"
