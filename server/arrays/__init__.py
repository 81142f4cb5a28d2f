"""Arrays of neurons and layers on their way to the browser: columns, display bytes, histograms, frames."""
