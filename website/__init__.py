"""The site: its sources (`pages`, `markdown`, `graph`), the build (`python -m website`), and checks of it (`check`)."""
