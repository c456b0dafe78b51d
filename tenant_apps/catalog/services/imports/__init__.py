"""Importing a file of MARC records: taken in, run in batches by a worker, resumed, cancelled."""
