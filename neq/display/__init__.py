"""How runs look in a notebook: the pages' colours, and HTML with a link and a picture. Needs numpy alone."""
