"""How long what is read out of a record may get, in characters, and how many of a kind are kept.

Longer text is cut at the limit and longer lists at their end: the record itself is kept whole beside them, so
nothing is lost. The limits are far above what real records hold, and a name, heading or sort title within
them fits into a B-tree index (2,704 bytes).
"""

MAX_CONTROL_NUMBER = 100
MAX_TITLE = 1_000
MAX_SORT_TITLE = 200
MAX_NAME = 300
MAX_DATES = 50
MAX_HEADING = 300
MAX_SHORT = 300  # publisher, place, edition, extent, series, class number
MAX_NOTE = 5_000  # summary, notes, contents
MAX_URL = 2_000  # a longer address is left out: a cut one leads nowhere
MAX_IDENTIFIER = 40

MAX_CONTRIBUTORS = 200
MAX_SUBJECTS = 200
MAX_ITEMS = 50  # of any other list
