"""A check of pyrogue's EPICS servers, which publish a tree whose hardware is behind the bridge.

`python -m epics` runs all of it and prints figures; test_epics.py runs it as tests, shorter.
"""
