"""The techniques that ship with automl, one file a technique, each a wrapper of Microsoft NNI."""
