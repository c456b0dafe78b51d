"""One AddField and one AddIndex on the largest table, after whatever migration the catalogue ends with."""

from pathlib import Path

from django.db import migrations, models

from tenant_apps.catalog import migrations as product

_LAST = max(file.stem for file in Path(product.__path__[0]).glob("[0-9]*.py"))


class Migration(migrations.Migration):
    dependencies = [("catalog", _LAST)]
    operations = [
        migrations.AddField("title", "benchmark_shelf", models.CharField(max_length=20, null=True)),
        migrations.AddIndex(
            "title", models.Index(fields=["benchmark_shelf"], name="catalog_title_benchmark")
        ),
    ]
