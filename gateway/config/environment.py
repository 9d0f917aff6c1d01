"""Variables of the environment over the configuration file: ``LABLINE_MQTT__HOST`` over ``host`` of ``[mqtt]``."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from gateway.config.tables import PREFIX, Settings
from gateway.errors import ConfigurationError, Problem


class _OverriddenSettings(BaseSettings, Settings):
    """The whole file, overridden by variables of the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings fixes these names
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; the file comes in as the initial values."""
        return (env_settings, init_settings)


def overridden(document: Mapping[str, Any]) -> Settings:
    """Return the settings of a file, overridden by variables of the environment.

    Raises ValidationError, and ConfigurationError if a variable for a table or a list is not JSON.
    """
    try:
        return _OverriddenSettings(**document)
    except SettingsError as error:
        named = re.search(r'field "(\w+)"', str(error))
        problem = Problem(
            file="environment",
            key=f"{PREFIX}{named[1].upper()}" if named else f"{PREFIX}*",
            message="is not JSON, as a table or a list must be",
            hint="write JSON, or set single keys as in LABLINE_MQTT__HOST",
        )
        raise ConfigurationError((problem,)) from error
