"""How much the laboratory will have to do: a forecast, conflicts with what it can do, and a plan of its days."""
