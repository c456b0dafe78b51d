"""A library as one file: export, import, clone."""
