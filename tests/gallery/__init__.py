"""Every page and panel in every state: one list for the accessibility check and for the contact sheet."""
