"""Every parser that strangers can reach: one row each, by where it is reached. A new one is added here."""

from simulator.bench.fuzz import commands, console, http, interfaces, messages, models, mqtt, opcua, search, sparkplug
from simulator.bench.fuzz.running import Parser

PARSERS: tuple[Parser, ...] = (
    *messages.PARSERS,
    *mqtt.PARSERS,
    *opcua.PARSERS,
    *http.PARSERS,
    *console.PARSERS,
    *interfaces.PARSERS,
    *search.PARSERS,
    *commands.PARSERS,
    *models.PARSERS,
    *sparkplug.PARSERS,
)
