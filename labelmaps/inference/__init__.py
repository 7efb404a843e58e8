"""From images to what a network says: its inputs, the engines that ask it, label maps, and the first glimpse (x₀).

Imports `networks`, `views`, `data` and below. New here: an engine, or another thing to take from a network.
"""
