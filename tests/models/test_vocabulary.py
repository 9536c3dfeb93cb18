import torch

from audit.models.vocabulary import Vocabulary, split_words

PETS = Vocabulary(("cat", "dog"))


class TestWords:
    def test_case_and_punctuation_do_not_count(self):
        assert split_words("  Is the Fire-Truck RED? (Dog's, 2 of them.)") == (
            *("is", "the", "fire-truck", "red", "dog's", "2", "of", "them"),
        )

    def test_none(self):
        assert split_words(" … ?") == ()


class TestVocabulary:
    def test_is_made_of_texts_in_alphabetical_order(self):
        assert Vocabulary.of(["A dog.", "a cat"]).words == ("a", "cat", "dog")

    def test_numbers_after_the_boundary_and_the_unknown_word(self):
        assert len(PETS) == 4
        words, counts = PETS.encode(["dog cat", "a Dog!", "", "cat"])
        assert words.tolist() == [[3, 2], [1, 3], [0, 0], [2, 0]]
        assert counts.tolist() == [2, 2, 0, 1]

    def test_texts_without_words_have_a_place(self):
        words, counts = PETS.encode([""])
        assert (words.tolist(), counts.tolist()) == ([[0]], [0])
        assert PETS.encode([])[0].shape == (0, 1)
        assert words.dtype == counts.dtype == torch.int64

    def test_reads_up_to_the_boundary(self):
        assert PETS.decode([3, 2, 0, 2]) == "dog cat"
        assert PETS.decode([1, 3]) == "(unknown) dog"
        assert PETS.decode([0]) == ""
