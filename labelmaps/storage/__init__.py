"""Files in HDF5, Parquet and CSV, among them label maps and saliency maps: atomic writes, checksums, provenance.

This room imports `jobs` and the rooms below it. A new kind of file belongs here; the index
and the examples, which only one room reads, have their files there.
"""
