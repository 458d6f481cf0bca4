"""ketentest: chain tests with Logius and DICTU, a checklist with probes in it."""

__version__ = "0.1.0"
