from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("collections", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="collection",
            options={
                "permissions": (
                    ("catalog.view", "catalog.view"),
                    ("catalog.manage", "catalog.manage"),
                    ("catalog.import", "catalog.import"),
                    ("copies.manage", "copies.manage"),
                    ("patrons.view", "patrons.view"),
                    ("patrons.manage", "patrons.manage"),
                    ("circulation.lend", "circulation.lend"),
                    ("circulation.view", "circulation.view"),
                    ("branches.manage", "branches.manage"),
                    ("collections.manage", "collections.manage"),
                    ("rules.view", "rules.view"),
                    ("rules.manage", "rules.manage"),
                    ("settings.view", "settings.view"),
                    ("settings.manage", "settings.manage"),
                    ("sign_in.manage", "sign_in.manage"),
                    ("audit.view", "audit.view"),
                    ("audit.personal", "audit.personal"),
                    ("members.manage", "members.manage"),
                    ("keys.manage", "keys.manage"),
                    ("roles.manage", "roles.manage"),
                )
            },
        ),
    ]
