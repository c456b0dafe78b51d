from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_extensions")]

    operations = [
        migrations.AddField(
            model_name="library",
            name="allowed_origins",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]
