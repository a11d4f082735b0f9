"""The docks of mode Images, and the dialogs that belong to them."""
