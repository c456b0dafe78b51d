import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("collections", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="title",
            name="collection",
            field=models.ForeignKey(
                null=True,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="titles",
                to="collections.collection",
            ),
        ),
    ]
