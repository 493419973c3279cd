"""Call control: calls, their legs and bridges, and the verbs that work on them. Knows Asterisk; knows no dialect."""
