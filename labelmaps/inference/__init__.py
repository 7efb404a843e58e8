"""From images to logits and activations: network inputs, engines, label maps, the first glimpse (x₀) and saliency on it.

This room imports `networks`, `views`, `data` and the rooms below them. A new engine belongs here (add its name to
`pipeline/settings/views_and_methods.py`, too), and so does any other computation that runs a network.
"""
