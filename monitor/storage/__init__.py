"""SQL storage: tables, migrations, and the one transaction that makes figures exact."""
