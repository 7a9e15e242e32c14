"""Values that every part of automl shares; nothing here imports a heavy library."""
