"""Call progress analysis of a sound file, on the command line."""
