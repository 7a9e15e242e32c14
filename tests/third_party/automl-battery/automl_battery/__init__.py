"""A metric, a runtime, a sampler and a stopping rule as a third party ships them: one short file each."""
