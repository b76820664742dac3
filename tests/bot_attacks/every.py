"""Every row, for the tests and for the table: incidents that other bots had first, then our own."""

from bot_attacks.delivering import DELIVERING
from bot_attacks.handing import BESIDE, ECHOING, HANDING
from bot_attacks.reading import READING
from bot_attacks.rounds import ROUNDS_ROWS
from bot_attacks.speaking import SPEAKING
from bot_attacks.starting import FORGED, STARTING

ROWS = [*STARTING, *ROUNDS_ROWS, *READING, *DELIVERING, *SPEAKING, *ECHOING, *HANDING, *FORGED, *BESIDE]
