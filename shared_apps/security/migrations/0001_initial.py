from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_index=True)),
                ("kind", models.CharField(max_length=40)),
                ("user_id", models.BigIntegerField(null=True)),
                ("actor_kind", models.CharField(max_length=20)),
                ("actor_user_id", models.BigIntegerField(null=True)),
                ("actor_label", models.CharField(blank=True, max_length=200)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("request_id", models.CharField(blank=True, max_length=128)),
                ("facts", models.JSONField(default=dict)),
                ("count", models.PositiveIntegerField(default=1)),
                ("last_at", models.DateTimeField()),
                ("bucket", models.CharField(max_length=120, null=True, unique=True)),
            ],
        ),
    ]
