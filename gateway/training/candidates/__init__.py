"""The kinds of models that a recipe may choose from, each with its graph for the runtime."""
