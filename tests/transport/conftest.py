"""Tests of connections wait for servers in the same process, however busy the machine is."""

import pytest

from gateway.transport import opcua_connection


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Limits of seconds are for plants; whoever tests one sets it."""
    monkeypatch.setattr(opcua_connection, "REQUEST_TIMEOUT_SECONDS", 60.0)
    monkeypatch.setattr(opcua_connection, "_CONNECT_TIMEOUT_SECONDS", 60.0)
