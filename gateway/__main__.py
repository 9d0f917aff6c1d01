"""``python -m gateway`` is the ``labline`` command."""

from gateway.cli import main

if __name__ == "__main__":
    main()
