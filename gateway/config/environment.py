"""Variables of the environment over the configuration file: ``LABLINE_MQTT__HOST`` over ``host`` of ``[mqtt]``."""

from collections.abc import Mapping
from typing import Any

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from gateway.config.tables import PREFIX, Settings
from gateway.errors import ConfigurationError, Problem


class _OverriddenSettings(BaseSettings, Settings):
    """The whole file, with what variables say over it."""

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
    """Return the settings in a file's tables, with what variables of the environment say over them.

    Raises ValidationError, and ConfigurationError where a variable's value cannot be taken apart.
    """
    try:
        return _OverriddenSettings(**document)
    except SettingsError as error:
        problem = Problem(
            file="environment", key="LABLINE_*", message=str(error), hint="nested keys: LABLINE_MQTT__HOST"
        )
        raise ConfigurationError((problem,)) from error
