//! Schema, migrations, every line of SQL.
