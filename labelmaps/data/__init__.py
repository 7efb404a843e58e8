"""What there is to look at: classes, annotations, images, and the index that lists them; batches of decoded images.

Imports `storage` and below; no torch. New here: a format of data sets or boxes.
"""
