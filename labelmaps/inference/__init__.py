"""From images to logits and activations: network inputs, engines, label maps, the first glimpse (x₀) and saliency on it.

This room imports `networks`, `views`, `data` and the rooms below them. A new engine belongs here (its name also goes to
`pipeline/settings/views_and_methods.py`), and whatever else is computed by a network.
"""
