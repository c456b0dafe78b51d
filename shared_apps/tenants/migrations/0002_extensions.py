"""Extensions live in a schema of their own, which is on every search path; `public` is on no library's."""

from django.db import migrations

FORWARD = """
CREATE SCHEMA IF NOT EXISTS extensions;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA extensions;
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA extensions;
"""


class Migration(migrations.Migration):
    """Trigrams for suggestions; btree_gist for exclusion constraints over periods."""

    dependencies = [("tenants", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
