"""The forms in which systems are told over HTTP: one row and one file each."""

from collections.abc import Mapping

from gateway.contract.sinks.generic import GENERIC
from gateway.contract.sinks.opcenter import OPCENTER
from gateway.contract.sinks.openmes import OPENMES
from gateway.contract.sinks.plex import PLEX
from gateway.contract.sinks.request import Template
from gateway.contract.sinks.sap import SAP
from gateway.contract.sinks.senaite import SENAITE

TEMPLATES: Mapping[str, Template] = {
    template.name: template for template in (GENERIC, PLEX, OPCENTER, SAP, SENAITE, OPENMES)
}
