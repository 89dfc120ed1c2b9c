"""A scene played: as a page that needs no network, as a film, as a picture of dots."""
