import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agents.index.hashing import hashes
from agents.index.vocabulary import Vocabulary, encode
from agents.index.words import LONGEST, WORD, forms

PARTS = ["parse", "Matrix", "HTTP", "mapping", "2", "_", "x", "of", "Ä", "ß", "Σ", "\u0301", "be", "low"]
PART = st.sampled_from([part.encode() for part in PARTS]) | st.binary(min_size=1, max_size=3)
BATCH = st.lists(st.lists(PART, min_size=1, max_size=5).map(b"".join), max_size=30).map(b"( ".join)


@given(st.lists(BATCH, max_size=3))
def test_a_vocabulary_knows_the_forms_of_each_word_whenever_it_came(batches: list[bytes]) -> None:
    vocabulary = Vocabulary()
    for batch in batches:
        for word in WORD.findall(batch):
            vocabulary.numbers[word]
        vocabulary.learn()
    for raw, number in vocabulary.numbers.items():
        found, _ = vocabulary.forms_of(np.array([number]))
        text = raw.rstrip(b"(").decode("utf-8", "replace")
        assert sorted(vocabulary.form_hash[found]) == sorted(encode(forms(text)))
        assert vocabulary.has_forms[number] == bool(forms(text))
        assert vocabulary.call_hash[number] == (hashes([raw[:-1]])[0] if raw.endswith(b"(") else 0)


def test_a_stop_word_has_no_forms_however_it_is_written_and_neither_has_data() -> None:
    assert [forms(word) for word in ("both", "BOTh", "_both_", "x", "a" * (LONGEST + 1))] == [()] * 5
