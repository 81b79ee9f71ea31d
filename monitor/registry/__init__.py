"""The registry: agencies, services and agreements as YAML folders, checked as a whole before use."""
