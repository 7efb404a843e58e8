"""Files in HDF5, Parquet, CSV and JSON, such as label maps and saliency maps: atomic writes, checksums, provenance.

This room imports `jobs` and the rooms below it. A new kind of file belongs here, unless only one room reads it: the modules
for the index and the examples are in their own rooms.
"""
