"""The images of a batch's rows: each made once, ahead of the attempts that need it."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from sandbox.api import BadInput, SandboxError
from tasks.environment import Place
from tasks.row import Row

AHEAD = 4  # rows beyond those that were asked for


class Places:
    """Safe to share between threads: one makes a row's image, the others wait for it."""

    def __init__(
        self,
        make: Callable[[Row], Place],
        placed: Callable[[Place], None] = lambda place: None,
        *,
        latest: int = 1,
    ) -> None:
        """`placed` is told each time that an image is handed out; the `latest` many are remembered."""
        self._make, self._told = make, placed
        self._lock = threading.Condition()
        self._busy: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._known: dict[str, Place] = {}
        self._asked: set[str] = set()
        self._closed = False
        self.latest: deque[str] = deque(maxlen=latest + AHEAD)  # images, as they were handed out

    def get(self, row: Row) -> Place:
        """Raises what making it raises."""
        with self._lock:
            self._asked.add(row.task.id)
            self._lock.notify_all()
        return self._placed(row)

    def forget(self, images: Sequence[str]) -> None:
        """They are gone, and are made again when they are wanted."""
        gone = set(images)
        with self._lock:
            self._known = {row: place for row, place in self._known.items() if place.image.ref not in gone}

    def make_ahead(self, rows: Sequence[Row]) -> threading.Thread:
        """Start a thread that makes the images of the rows, a few ahead of who asks for them."""
        thread = threading.Thread(target=self._ahead, args=(rows,), daemon=True, name="images")
        thread.start()
        return thread

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._lock.notify_all()

    def _ahead(self, rows: Sequence[Row]) -> None:
        wanted = {row.task.id for row in rows}
        for number, row in enumerate(rows):
            with self._lock:
                while not self._closed and number >= len(self._asked & wanted) + AHEAD:
                    self._lock.wait()
                if self._closed:
                    return
            try:
                self._placed(row)
            except (SandboxError, BadInput):  # the attempt that needs it meets it again, and says so
                continue

    def _placed(self, row: Row) -> Place:
        name = row.task.id
        with self._lock:
            turn = self._busy[name]
        with turn:
            place = self._known.get(name)
            if place is None:
                place = self._make(row)
                with self._lock:
                    self._known[name] = place
        self.latest.append(place.image.ref)
        self._told(place)
        return place
