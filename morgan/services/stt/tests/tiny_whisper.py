"""A Whisper model small enough to make in a test: the real architecture, random weights."""

from pathlib import Path

import torch
from ctranslate2.converters import TransformersConverter
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]
TIMESTAMPS = 1501


def save(path: Path, work: Path) -> None:
    """Makes the model with transformers, then converts it as its users do."""
    torch.manual_seed(1)
    tokens = tokenizer()
    tokens.save_pretrained(work)
    WhisperFeatureExtractor().save_pretrained(work)
    model = WhisperForConditionalGeneration(config(tokens))
    letters = tokens.convert_tokens_to_ids(list("abcdefghijklmnopqrstuvwxyz"))
    with torch.no_grad():  # whatever it hears, it writes letters
        model.get_output_embeddings().weight[letters] *= 20
    model.save_pretrained(work)
    converter = TransformersConverter(
        str(work), copy_files=["tokenizer.json", "preprocessor_config.json"]
    )
    converter.convert(str(path))


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per byte; an English model: it has no languages to tell apart."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    times = [f"<|{i * 0.02:.2f}|>" for i in range(TIMESTAMPS)]
    vocabulary = [*letters, *SPECIAL, *times]
    inner = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|endoftext|>")


def config(tokens: PreTrainedTokenizerFast) -> WhisperConfig:
    end = tokens.convert_tokens_to_ids("<|endoftext|>")
    return WhisperConfig(
        vocab_size=len(tokens),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        # The default is for Whisper's own vocabulary; CTranslate2 does not check ids against ours.
        begin_suppress_tokens=[end],
        decoder_start_token_id=tokens.convert_tokens_to_ids("<|startoftranscript|>"),
    )
