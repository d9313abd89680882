"""The papers that come with the harness: one folder per family, one module or package per paper."""
