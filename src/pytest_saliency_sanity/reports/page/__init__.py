"""The report ``html``: one page that opens by double-click, without a network and without JavaScript."""
