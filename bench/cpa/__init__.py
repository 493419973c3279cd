"""Call progress analysis against Asterisk's app_amd, on calls that are made for it."""
