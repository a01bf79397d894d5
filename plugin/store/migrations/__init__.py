"""Every change of the tables, in order; nothing but Alembic reads this folder."""
