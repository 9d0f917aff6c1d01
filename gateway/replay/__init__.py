"""A recorded stretch of time once more, against any configuration and model: the same records give the same bytes."""
