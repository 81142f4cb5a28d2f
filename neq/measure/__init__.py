"""Measuring φ: how like its output of one epoch earlier each neuron's output on the probe set is."""
