"""The domain: what agencies, agreements and exchanges are, how they are judged and counted. No Kafka here."""

__version__ = "0.1.0"
