"""The tables of a recipe, each with its keys, their units and what they mean."""
