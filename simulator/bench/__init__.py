"""Measurements that others can rerun: each figure beside the floor measured in the same run."""
