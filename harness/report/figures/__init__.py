"""The figures of a report, a module per kind: each turns numbers into data, a caption and a Plotly specification."""
