"""How the gateway tells how it is: systemd, status, logs."""
