"""Data sets behind one interface: raw uint8 images in three splits."""
