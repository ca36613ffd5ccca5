from morgan_core.sentences import SentenceSplitter


def split(*pieces: str) -> list[str]:
    splitter = SentenceSplitter()
    return [s for piece in pieces for s in splitter.feed(piece)] + splitter.rest()


def test_a_sentence_is_complete_when_the_next_one_begins():
    splitter = SentenceSplitter()
    assert splitter.feed("It is late") == []
    assert splitter.feed(". Good ") == ["It is late."]
    assert splitter.feed("night!") == []
    assert splitter.rest() == ["Good night!"]


def test_numbers_and_quotes_do_not_cut():
    assert split("Pi is 3.14 or so. ", 'He said "no." ', "Done") == [
        "Pi is 3.14 or so.",
        'He said "no."',
        "Done",
    ]


def test_lines_are_sentences():
    assert split("- one\n\n- two\n") == ["- one", "- two"]
