"""The catalogue's migrations one release on: those of the product, and the one of this folder after them."""

from tenant_apps.catalog import migrations

__path__ = [*migrations.__path__, *__path__]
