"""The database backend of LibraryHub (`ENGINE = "saas.core.db"`): see `base`."""
