"""The checks behind `./check`: one file each, one function each, listed in run.py."""
