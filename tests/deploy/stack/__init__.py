"""What runs the monitor elsewhere: image, compose, Kubernetes and systemd, checked without an engine."""
