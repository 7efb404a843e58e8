"""Files that appear whole, lie under checksums and say what made them: HDF5, Parquet, CSV; label maps and saliency maps.

Imports `jobs` and below. New here: a kind of file, with its one reader and its one writer.
"""
