"""A CSM model small enough to make in a test: the real architecture, random weights."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CsmConfig,
    CsmForConditionalGeneration,
    CsmProcessor,
    EncodecFeatureExtractor,
    PreTrainedTokenizerFast,
)

CODEBOOKS = 4
CODEC_SIZE = 32  # ids per codebook; CSM adds three of its own


def save(path: Path) -> None:
    torch.manual_seed(1)
    CsmProcessor(EncodecFeatureExtractor(sampling_rate=24000), tokenizer()).save_pretrained(path)
    model = CsmForConditionalGeneration(config())
    model.generation_config.do_sample = False
    model.generation_config.depth_decoder_min_new_tokens = CODEBOOKS - 1
    model.generation_config.depth_decoder_max_new_tokens = CODEBOOKS - 1
    model.save_pretrained(path)


def tokenizer() -> PreTrainedTokenizerFast:
    """One token per character."""
    special = ["<s>", "</s>", "<pad>", "<|AUDIO|>", "<|audio_eos|>", "<unk>"]
    vocabulary = [*special, *map(chr, range(32, 127))]
    inner = Tokenizer(models.WordLevel({t: i for i, t in enumerate(vocabulary)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        additional_special_tokens=["<|AUDIO|>", "<|audio_eos|>"],
    )


def config() -> CsmConfig:
    transformer = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": CODEC_SIZE + 3,
        "num_codebooks": CODEBOOKS,
        "max_position_embeddings": 512,
    }
    codec = {
        "model_type": "mimi",
        "num_filters": 4,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "codebook_size": CODEC_SIZE,
        "codebook_dim": 8,
        "vector_quantization_hidden_dimension": 8,
        "num_quantizers": CODEBOOKS,
        "upsample_groups": 16,
    }
    return CsmConfig(
        **transformer,
        text_vocab_size=128,
        bos_token_id=0,
        pad_token_id=3,
        audio_token_id=3,
        audio_eos_token_id=4,
        codebook_pad_token_id=CODEC_SIZE + 2,
        codebook_eos_token_id=0,
        depth_decoder_config=transformer
        | {"backbone_hidden_size": 32, "max_position_embeddings": CODEBOOKS + 1},
        codec_config=codec,
    )
