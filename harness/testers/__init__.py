"""The local page on which testers close the open steps of their role (`ketentest attest --serve`)."""
