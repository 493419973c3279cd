"""What others call this analysis: the same analyser, told in the words of each. Pure, as it is.

dialer.py     set_cpa_params and cpa_detection of a dialler
amd.py        MachineDetection and AnsweredBy of XML that is fetched over HTTP
detect.py     DETECT of a call flow

Each is an analyser itself (calls/verbs/analyse.py): features in, what it tells out, and `done`.
"""
