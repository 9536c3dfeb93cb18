import math

import pytest
import torch

from audit.errors import ModelError
from audit.models.class_map import ClassMap, load_class_map
from audit.models.imagenet import imagenet_names, imagenet_wnids
from audit.models.label_space import LabelSpace, match_labels

PETS = ("cat", "dog", "hamster", "parrot")


def space(groups, n_outputs):
    names = tuple(f"c{i}" for i in range(len(groups)))
    return LabelSpace(names, len(groups), groups, n_outputs, "class map")


class TestMatchingByName:
    def test_order_and_spelling_do_not_matter(self):
        matched = match_labels(["Parrot", "cat"], PETS, None, 4, closed_set=True)
        assert matched.groups == ((3,), (0,))
        assert matched.names == ("Parrot", "cat")
        assert (matched.n_classes, matched.how) == (2, "name")
        assert "2 outputs" in matched.notes[0]

    def test_unclaimed_outputs_stay_possible(self):
        matched = match_labels(["parrot", "cat"], PETS, None, 4)
        assert matched.names == ("parrot", "cat", "dog", "hamster")
        assert matched.groups == ((3,), (0,), (1,), (2,))
        assert (matched.n_classes, len(matched)) == (2, 4)

    def test_imagenet_folders_under_a_thousand_outputs(self):
        wnids = ["n02123045", "n01440764"]
        matched = match_labels(wnids, imagenet_names(), imagenet_wnids(), 1000)
        assert matched.groups[:2] == ((281,), (0,))
        assert (len(matched), matched.n_classes, matched.how) == (1000, 2, "WordNet id")
        assert matched.names[2] == "goldfish"

    def test_a_class_without_an_output_is_named(self):
        with pytest.raises(
            ModelError, match=r"called 'dgo' \(1 of 2 .* did you mean 'dog'.*--class-"
        ):
            match_labels(["cat", "dgo"], PETS, None, 4)

    def test_equally_many_but_others(self):
        with pytest.raises(ModelError, match=r"class 'canary' beside output 'parrot'.*--class-map"):
            match_labels(["cat", "dog", "hamster", "canary"], PETS, None, 4)

    def test_two_classes_cannot_share_an_output(self):
        with pytest.raises(ModelError, match="output 'cat' is claimed 2 times, by 'cat', 'CAT'"):
            match_labels(["cat", "CAT"], PETS, None, 4)

    def test_an_ambiguous_class(self):
        names = ("Cardigan", "cardigan", "pug")
        assert match_labels(["cardigan"], names, None, 3).groups[0] == (1,)
        with pytest.raises(ModelError, match=r"may be any of .* 'Cardigan', 'cardigan'"):
            match_labels(["CARDIGAN"], names, None, 3)

    def test_unlabelled_data_gets_the_outputs_as_they_are(self):
        matched = match_labels([], PETS, None, 4, closed_set=True)
        assert (matched.names, matched.n_classes) == (PETS, 0)


class TestAnswers:
    """Answers to questions are free: the model need not have every one that is true."""

    def test_one_that_no_output_gives_is_an_entry_of_no_output(self):
        matched = match_labels(["dog", "axolotl", "Cat"], PETS, None, 4, answers=True)
        assert matched.names == ("dog", "axolotl", "Cat", "hamster", "parrot")
        assert matched.groups == ((1,), (), (0,), (2,), (3,))
        assert (matched.n_classes, matched.how) == (3, "name")
        assert matched.notes == (
            "1 answers are none of the model's outputs, it is wrong where they are true: 'axolotl'",
        )

    def test_many_are_told_by_the_first_three(self):
        lacking = [f"answer {k}" for k in range(1000)]
        (note,) = match_labels(["dog", *lacking], PETS, None, 4, answers=True).notes
        assert note.startswith("1000 answers are none of")
        assert note.endswith("'answer 0', 'answer 1', 'answer 2' and 997 more")

    def test_where_every_one_has_an_output_nothing_is_noted(self):
        assert match_labels(["dog"], PETS, None, 4, answers=True).notes == ()

    def test_closed_set_drops_the_other_outputs(self):
        matched = match_labels(["dog", "axolotl"], PETS, None, 4, closed_set=True, answers=True)
        assert matched.groups == ((1,), ())

    @pytest.mark.parametrize("answers", [["axolotl"], ["axolotl", "dgo"]])
    def test_that_none_matches_is_still_an_error(self, answers):
        with pytest.raises(ModelError, match="no model output is called 'axolotl'"):
            match_labels(answers, PETS, None, 4, answers=True)

    def test_a_class_without_an_output_is_still_an_error(self):
        with pytest.raises(ModelError, match="no model output is called 'axolotl'"):
            match_labels(["dog", "axolotl"], PETS, None, 4)

    def test_questions_without_answers_get_the_outputs_as_they_are(self):
        matched = match_labels([], PETS, None, 4, answers=True)
        assert (matched.names, matched.n_classes, matched.notes) == (PETS, 0, ())

    def test_two_answers_cannot_share_an_output(self):
        with pytest.raises(ModelError, match="output 'dog' is claimed 2 times, by 'dog', 'Dog'"):
            match_labels(["dog", "Dog", "axolotl"], PETS, None, 4, answers=True)


class TestMatchingByIndex:
    def test_equal_counts(self):
        matched = match_labels(["a", "b"], None, None, 2)
        assert (matched.groups, matched.how) == (((0,), (1,)), "index")
        assert "no names" in matched.notes[0]

    def test_unequal_counts(self):
        with pytest.raises(ModelError, match="2 classes, the model 3 outputs without names"):
            match_labels(["a", "b"], None, None, 3)

    def test_unlabelled_and_unnamed(self):
        assert match_labels([], None, None, 2).names == ("output 0", "output 1")


class TestMatchingByMap:
    ANIMALS = ClassMap("m.json", {"mammal": (0, "dog", 2), "bird": (3,)})

    def test_groups(self):
        matched = match_labels(["bird", "Mammal"], PETS, None, 4, self.ANIMALS)
        assert matched.groups == ((3,), (0, 1, 2))
        assert matched.how == "class map m.json"

    def test_unclaimed_outputs_stay_unless_closed(self):
        rodent = ClassMap("m.json", {"rodent": (2,)}, notes={"rodent": "doubtful"})
        open_set = match_labels(["rodent"], PETS, None, 4, rodent)
        assert open_set.names == ("rodent", "cat", "dog", "parrot")
        assert open_set.notes == ("rodent: doubtful",)
        closed = match_labels(["rodent"], PETS, None, 4, rodent, closed_set=True)
        assert closed.names == ("rodent",)
        shut = ClassMap("m.json", {"rodent": (2,)}, closed_set=True)
        assert match_labels(["rodent"], PETS, None, 4, shut).groups == ((2,),)

    @pytest.mark.parametrize(
        ("classes", "told"),
        [
            (["mammal", "bird", "fish"], "has no entry for 'fish'"),
            (["mammal"], "has entries for 'bird', which the dataset does not hold"),
        ],
    )
    def test_map_and_dataset_must_agree(self, classes, told):
        with pytest.raises(ModelError, match=told):
            match_labels(classes, PETS, None, 4, self.ANIMALS)

    def test_an_output_belongs_to_one_class(self):
        both = ClassMap("m.json", {"pet": (0, 1), "feline": ("cat",)})
        with pytest.raises(ModelError, match="'cat' is claimed 2 times, by 'pet', 'feline'"):
            match_labels(["pet", "feline"], PETS, None, 4, both)
        twice = ClassMap("m.json", {"pet": (0, "cat")})
        with pytest.raises(ModelError, match="'cat' is claimed 2 times, by 'pet'"):
            match_labels(["pet"], PETS, None, 4, twice)

    def test_a_map_for_another_model_is_recognised(self):
        wrong = ClassMap("m.json", {"feline": (1,)}, names={"feline": ("cat",)})
        with pytest.raises(ModelError, match="meant for another model"):
            match_labels(["feline"], PETS, None, 4, wrong)

    def test_stl10(self):
        shipped = load_class_map("stl10_imagenet")
        matched = match_labels(
            tuple(shipped.classes), imagenet_names(), imagenet_wnids(), 1000, shipped
        )
        assert (len(matched), matched.n_classes) == (10, 10)
        assert matched.groups[0] == (404, 895)
        assert any(note.startswith("deer: Doubtful") for note in matched.notes)


class TestScores:
    def test_log_sum_exp_by_hand(self):
        # e^ln1 + e^ln3 = 4; e^ln2 = 2 alone; e^ln5 + e^ln1 + e^ln4 = 10
        logits = torch.tensor([[1.0, 2.0, 3.0, 5.0, 1.0, 4.0]]).log()
        scores = space(((0, 2), (1,), (3, 4, 5)), 6).scores(logits)
        torch.testing.assert_close(scores, torch.tensor([[4.0, 2.0, 10.0]]).log())

    def test_softmax_adds_up_probabilities(self):
        torch.manual_seed(1)
        logits = torch.randn(5, 6)
        probabilities = space(((0, 2), (1,), (3, 4, 5)), 6).scores(logits).softmax(-1)
        p = logits.softmax(-1)
        summed = torch.stack([p[:, 0] + p[:, 2], p[:, 1], p[:, 3] + p[:, 4] + p[:, 5]], dim=1)
        torch.testing.assert_close(probabilities, summed)

    def test_nothing_to_do_is_the_same_tensor(self):
        logits = torch.randn(2, 3)
        assert space(((0,), (1,), (2,)), 3).scores(logits) is logits

    def test_single_outputs_are_picked_exactly(self):
        logits = torch.randn(2, 4)
        picked = space(((3,), (0,)), 4).scores(logits)
        assert torch.equal(picked, logits[:, [3, 0]])
        merged = space(((3,), (0, 1)), 4).scores(logits)
        assert torch.equal(merged[:, 0], logits[:, 3])

    @pytest.mark.parametrize("level", [-1e4, 0.0, 1e4])
    def test_is_exact_and_finite_at_any_level(self, level):
        scores = space(((0, 1), (2,)), 3).scores(torch.full((1, 3), level))
        torch.testing.assert_close(scores, torch.tensor([[level + math.log(2), level]]))

    def test_gradient_by_hand(self):
        # d lse / d logit is the softmax within the group: 1/4 and 3/4; others get nothing.
        logits = torch.tensor([[1.0, 2.0, 3.0, 9.0]]).log().requires_grad_()
        space(((0, 2), (1,)), 4).scores(logits)[0, 0].backward()
        torch.testing.assert_close(logits.grad, torch.tensor([[0.25, 0.0, 0.75, 0.0]]))

    def test_gradient_of_unequal_groups_ignores_padding(self):
        logits = torch.zeros(1, 5, requires_grad=True)
        space(((0, 1, 2), (3, 4)), 5).scores(logits)[0, 1].backward()
        torch.testing.assert_close(logits.grad, torch.tensor([[0.0, 0.0, 0.0, 0.5, 0.5]]))

    def test_gradient_after_a_first_call_in_inference_mode(self):
        merged = space(((0, 1), (2,), (3,)), 4)
        with torch.inference_mode():
            merged.scores(torch.zeros(1, 4))
        logits = torch.zeros(1, 4, requires_grad=True)
        merged.scores(logits).sum().backward()
        torch.testing.assert_close(logits.grad, torch.tensor([[0.5, 0.5, 1.0, 1.0]]))

    @pytest.mark.parametrize("groups", [((0,), (), (1,)), ((), (0, 1))])
    def test_an_answer_that_no_output_gives_has_probability_0(self, groups):
        # e^ln1 and e^ln3: 1/4 and 3/4, alone or together
        scores = space(groups, 2).scores(torch.tensor([[1.0, 3.0]]).log())
        expected = [[0.25, 0.0, 0.75]] if len(groups) == 3 else [[0.0, 1.0]]
        torch.testing.assert_close(scores.softmax(-1), torch.tensor(expected))
        assert scores.isfinite().all()

    @pytest.mark.parametrize("level", [-1e4, 1e4])
    def test_it_is_never_predicted_however_low_the_others_are(self, level):
        scores = space(((), (0,), (1,)), 2).scores(torch.tensor([[level, level - 1]]))
        assert scores.argmax(dim=1).tolist() == [1]
        assert scores.log_softmax(-1)[0, 0] < -1e29

    def test_its_gradient_is_zero_and_that_of_its_loss_finite(self):
        lacking = space(((0,), (), (1,)), 2)
        logits = torch.tensor([[1.0, 3.0]]).log().requires_grad_()
        (own,) = torch.autograd.grad(lacking.scores(logits)[0, 1], logits)
        assert own.tolist() == [[0.0, 0.0]]
        # d -log p / d logit is the softmax over the others: 1/4 and 3/4
        (loss,) = torch.autograd.grad(-lacking.scores(logits).log_softmax(-1)[0, 1], logits)
        torch.testing.assert_close(loss, torch.tensor([[0.25, 0.75]]))
