"""The trial store: one parquet row a trial."""
