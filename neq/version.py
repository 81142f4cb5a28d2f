"""The library's version, which is the application's: a test compares the two."""

VERSION = "0.1.0"
