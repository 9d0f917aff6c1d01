"""A real OPC UA server with what real servers have: odd names, bad values, security, and users with passwords."""

import datetime as dt
from contextlib import asynccontextmanager

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.ua import ua_binary

from gateway.transport.opcua_certificates import make_certificate
from simulator.broker import free_port
from tests.cases.opcua_scripted import UNDECODABLE
from tests.integration.opcua_parts import PlantOfTags

ODD_URI = "urn:odd;100%;uri"
PASSWORD = "p\u00e4ssw\u00f6rd!"  # noqa: S105 - of a server that lives as long as a test
_RAW = "RAW"


class _Users:
    """Anybody without a name, and ``op`` with the password."""

    def get_user(self, _server, username=None, password=None, certificate=None):  # noqa: ARG002 - asyncua's names
        return User(role=UserRole.User) if username is None or (username, password) == ("op", PASSWORD) else None


def write_certificate(folder, name, *, uri, days=30, now=None):
    """Write a certificate and its key; return both files."""
    key, made = make_certificate(uri=uri, hosts=["localhost"], days=days, now=now or dt.datetime.now(dt.UTC))
    (folder / f"{name}.der").write_bytes(made)
    (folder / f"{name}_key.pem").write_bytes(key)
    return folder / f"{name}.der", folder / f"{name}_key.pem"


def _write_variants_by(function):
    """Have the servers of this process write values so; what the library keeps of the former way is made anew."""
    ua_binary.variant_to_binary = function
    for kept in vars(ua_binary).values():
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()


@asynccontextmanager
async def odd_server(folder):
    """A server with a namespace of odd letters, one without a name, and a variable that nobody can decode."""
    real = ua_binary.variant_to_binary
    certificate, key = write_certificate(folder, "server", uri="urn:freeopcua:python:server")

    def as_bytes(variant):
        return UNDECODABLE if variant.Value == _RAW else real(variant)

    async def prepare(server):
        await server.load_certificate(str(certificate))
        await server.load_private_key(str(key))
        policies = ua.SecurityPolicyType
        server.set_security_policy([policies.NoSecurity, policies.Basic256Sha256_SignAndEncrypt])
        server.iserver.user_manager = _Users()
        array = server.get_node(ua.NodeId(ua.ObjectIds.Server_NamespaceArray))
        await array.write_value([*await array.read_value(), None])
        index = await server.register_namespace(ODD_URI)
        objects = server.nodes.objects
        await objects.add_variable(ua.NodeId("X;y=%25", index), "X", 4.5, ua.VariantType.Double)
        await objects.add_variable(ua.NodeId("R", index), "R", _RAW, ua.VariantType.String)
        long_name = "a name that is much longer than any terminal is wide, " * 3
        await objects.add_variable(ua.NodeId(long_name, index), "long", 1.0, ua.VariantType.Double)

    _write_variants_by(as_bytes)
    try:
        async with PlantOfTags(free_port(), prepare=prepare) as plant:
            plant.certificate = certificate
            yield plant
    finally:
        _write_variants_by(real)
