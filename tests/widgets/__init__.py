"""The widgets, in process: what they show, send, refuse and leave behind."""
