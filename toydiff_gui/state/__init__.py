"""What the window knows: typed slots that know no mode."""
