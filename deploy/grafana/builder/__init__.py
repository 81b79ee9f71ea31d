"""Grafana's dashboards as code: a file for each, texts in `texts/`, both languages from one definition."""
