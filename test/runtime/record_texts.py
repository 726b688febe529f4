"""The numbers of tokens as Hugging Face's own library gives them, for three kinds of tokenizers trained on a few sentences.

    python record_texts.py        writes recorded/texts.json beside it (needs the package tokenizers)
"""

import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "support"))
from recording import write  # noqa: E402

CORPUS = [
    "The printer on the second floor does not print.",
    "My password has expired and I cannot log in.",
    "Please order a new keyboard and a larger screen.",
    "The invoice of March was paid twice; send the money back.",
    "Printing works again, thanks! Passwords were reset, orders sent.",
]
TEXTS = ["", "print", "The invoice was printed twice, please send it again!", "Ünïcode — naïve café № 5", "密码 expired 🙂", "a" * 300, " ".join(CORPUS)]
LENGTH = 16


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False))
    pieces = [(name, tokenizer.token_to_id(name)) for name in special[2:]]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=pieces)
    return tokenizer, "[PAD]"


def bytes_bpe():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, special_tokens=["<pad>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return tokenizer, "<pad>"


def unigram():
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=["<unk>", "<pad>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer, "<pad>"


def case(name, made):
    tokenizer, pad = made
    padding = tokenizer.token_to_id(pad)
    text = tokenizer.to_str()
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=padding, pad_token=pad)
    tokens = [{"text": text, "ids": tokenizer.encode(text).ids} for text in TEXTS]
    return {"name": name, "length": LENGTH, "padding": padding, "tokenizer": text, "tokens": tokens}


write(HERE / "recorded" / "texts.json", [case("WordPiece", word_piece()), case("BPE of bytes", bytes_bpe()), case("Unigram", unigram())])
