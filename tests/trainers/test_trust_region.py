"""The bound on updates: those that keep within it stay as they are, those that do not are halved until they do."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from envrl.trainers.trust_region import within_trust_region

IDS = torch.tensor([[3, 0, 1, 1]] * 12)
ASKED = {"batch_size": None, "compute_entropy": True, "compute_aux_loss": False, "image_sizes": None}  # as TRL asks
MASK = torch.tensor([[1, 1, 1, 0]] * 12)  # two tokens of a completion count, 0 and 1


class Policy(torch.nn.Module):
    """Writes 0 with a probability of sigmoid(weight), and 1 otherwise, whatever came before; a part is frozen."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([float(weight)]))
        self.frozen = torch.nn.Parameter(torch.tensor([7.0]), requires_grad=False)
        self.dropout = torch.nn.Dropout(0.5)

    def logp(self, labels):
        weight = self.weight * self.dropout(torch.ones(1))
        return torch.where(labels == 0, 1, -1).mul(weight).sigmoid().log()


class Plain:
    """As much of TRL's trainer as a trust region touches."""

    def __init__(self, weight):
        self.model = Policy(weight).train()
        self._metrics = {"train": defaultdict(list)}
        self.accelerator = SimpleNamespace(gather=lambda value: value.unsqueeze(0), device="cpu")
        self.passes = []

    def add_callback(self, callback):
        self.callback = callback

    def _get_per_token_logps_and_entropies(self, model, input_ids, attention_mask, logits_to_keep, **options):
        self.passes.append((len(input_ids), options))
        return model.logp(input_ids[:, -logits_to_keep:]), None, None

    def step(self, to, masks=(MASK,), **pictures):
        """An optimiser's step from the weight as it is to another, after a pass for each mask."""
        for mask in masks:
            self._get_per_token_logps_and_entropies(self.model, IDS, mask, 3, **ASKED, **pictures)
        self.callback.on_pre_optimizer_step()
        with torch.no_grad():
            self.model.weight.fill_(to)
        self.callback.on_optimizer_step()
        return self.model.weight.item()


def divergence(before, after):
    """k3 over a completion of one 0 and one 1, by hand."""
    changes = [
        torch.nn.functional.logsigmoid(torch.tensor(sign * after))
        - torch.nn.functional.logsigmoid(torch.tensor(sign * before))
        for sign in (1.0, -1.0)
    ]
    return sum((c.exp() - 1 - c).item() for c in changes) / 2


@pytest.fixture
def trainer():
    return within_trust_region(Plain, 0.001)(0.0)


def test_an_update_within_the_bound_stays(trainer):
    assert trainer.step(0.05) == pytest.approx(0.05)
    figures = trainer._metrics["train"]
    assert figures["halvings"] == [0]
    assert figures["update_kl"] == [pytest.approx(divergence(0.0, 0.05), rel=1e-3)]
    assert 0 < figures["update_kl"][0] < 0.001


def test_one_that_goes_too_far_is_halved_until_it_does_not(trainer):
    assert trainer.step(0.8) == pytest.approx(0.05)
    figures = trainer._metrics["train"]
    assert figures["halvings"] == [4]
    assert divergence(0.0, 0.1) > 0.001 > figures["update_kl"][0] == pytest.approx(divergence(0.0, 0.05), rel=1e-3)
    assert trainer.model.frozen.item() == 7.0


@pytest.mark.parametrize("nowhere", [float("nan"), float("inf"), 1e6])
def test_one_that_no_halving_mends_is_undone(nowhere):
    trainer = within_trust_region(Plain, 1e-9)(0.25)
    assert trainer.step(nowhere) == 0.25
    assert trainer._metrics["train"] == {"halvings": [11], "update_kl": [0.0]}


def test_eight_completions_judge_without_dropout_and_the_model_goes_on_with_it(trainer):
    trainer.step(0.05)
    assert trainer.passes == [(12, ASKED), (8, {}), (8, {})]
    assert trainer.model.training


def test_completions_with_pictures_judge_together(trainer):
    trainer.step(0.05, pixel_values="all of them")
    assert trainer.passes[1:] == [(12, {"pixel_values": "all of them"})] * 2


def test_the_slowest_of_several_processes_decides(trainer):
    trainer.accelerator.gather = lambda value: torch.stack([value, value * 4])
    assert trainer.step(0.08) == pytest.approx(0.04), "0.0008 here, 0.0032 elsewhere"


def test_completions_that_were_masked_judge_nothing(trainer):
    some = MASK.clone()
    some[:6, 1:] = 0
    assert trainer.step(0.8, masks=(some, MASK * 0)) == pytest.approx(0.05)
    assert [rows for rows, _ in trainer.passes[2:]] == [6] * 6
    assert trainer.step(0.8, masks=(MASK * 0,)) == pytest.approx(0.8), "nothing is known against it, and nothing before"
    assert trainer._metrics["train"]["update_kl"][1] == 0.0
