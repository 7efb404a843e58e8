"""Data sets: classes, annotations, image files, the index that lists the images, and batches of decoded images.

This room imports `storage` and the rooms below it, but not torch. A new format of data sets or boxes belongs here.
"""
