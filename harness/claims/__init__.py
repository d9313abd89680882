"""Claims put to the test: their cells planned and run, their checks applied and themselves tested, the ledger kept."""
