"""Judging laboratory results. Pure."""
