"""The cases of issue 16, each as a test named after its number."""
