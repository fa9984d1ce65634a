"""The ways in which the bank and a client speak or write to each other: one list of codes for every area."""

CHANNELS = {
    "VISIT": "Visit",
    "BRANCH": "At a branch",
    "TELEPHONE": "Telephone",
    "MOBILE": "Mobile telephone",
    "VIDEO": "Video call",
    "EMAIL": "E-mail",
    "MESSAGE": "Message",
    "POST": "Letter",
    "OTHER": "Other",
}
