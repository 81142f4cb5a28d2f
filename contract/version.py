"""The version of this program: the one place that says it, installed or not."""

VERSION = "0.1.0"
