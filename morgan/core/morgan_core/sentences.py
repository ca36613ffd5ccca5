"""Cuts streamed text into sentences, so that speech starts before the answer is complete."""

import re

# The end of a sentence: its mark, closing quotes, and the white space that shows it is over.
_END = re.compile(r"[.!?…]+[\"')\]]*\s+|\n+")


class SentenceSplitter:
    def __init__(self) -> None:
        self._pending = ""

    def feed(self, text: str) -> list[str]:
        """The sentences that `text` completes."""
        self._pending += text
        sentences = []
        while match := _END.search(self._pending):
            sentences.append(self._pending[: match.end()].strip())
            self._pending = self._pending[match.end() :]
        return [sentence for sentence in sentences if sentence]

    def rest(self) -> list[str]:
        """What is left when the text has ended."""
        rest, self._pending = self._pending.strip(), ""
        return [rest] if rest else []
