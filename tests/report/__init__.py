"""Tests of the report; `sample.py` makes Reports for other tests too."""
