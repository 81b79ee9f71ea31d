"""The whole stack on this machine without a container: real programs, started, watched and stopped as one."""
