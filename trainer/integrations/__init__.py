"""The former name of `neq.integrations`. It works for one release more."""
