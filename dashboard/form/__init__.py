"""The launch form, drawn from a JSON Schema alone.

`schema.read_schema` turns the schema into a tree of parts, `values.values_of` turns a configuration into what the
inputs hold, and `draw.draw` turns both into components. The way back, from inputs to a configuration, is taken in
the browser: `scripts/form-page/page.js`, by the plan that `plan.plan_of` makes of the same tree.
"""
