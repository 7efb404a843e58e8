"""The site: its sources (`pages`), their flowcharts (`graph`), the build, and checks of what was built (`check`)."""
