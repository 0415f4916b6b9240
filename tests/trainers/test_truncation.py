"""What sampling hides: no bonus lifts it, and a term of the loss presses on it."""

import math
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import set_seed

from envrl.config import ModelConfig, load_config
from envrl.models import load_model
from envrl.trainers.grpo import _arguments
from envrl.trainers.truncation import aware_of_truncation

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"
V = 6
LOGITS = torch.tensor([math.log(p) for p in (0.5, 0.3, 0.1, 0.06, 0.03, 0.01)])


class Plain:
    """As much of TRL's trainer as the bonus touches."""

    def __init__(self, **settings):
        self.__dict__ |= {"top_k": 0, "top_p": 1.0, "min_p": None, "temperature": 1.0} | settings
        self.accelerator = SimpleNamespace(autocast=nullcontext)
        self.current_gradient_accumulation_steps = 2
        self._metrics = {"train": defaultdict(list)}

    def _get_per_token_logps_and_entropies(self, *args, **options):
        return "TRL's own", args, options

    def _compute_loss(self, model, inputs):
        if inputs is not None:
            self._get_per_token_logps_and_entropies(model, *inputs, compute_entropy=True)
        return torch.tensor(3.0)


def measured(logits, *, ids=(4, 0, 1, 2), told=(1, 1, 1, 1), keep=3, aux=False, **settings):
    """Log-probabilities and entropies of a text's last tokens, by a model that says the same anywhere."""
    calls = []

    def model(input_ids, attention_mask, logits_to_keep, **given):
        calls.append(given)
        whole = logits.expand(*input_ids.shape, V)
        return SimpleNamespace(logits=whole[:, -logits_to_keep:], aux_loss="the experts' loss")

    trainer = aware_of_truncation(Plain, 0.5)(**settings)
    found = trainer._get_per_token_logps_and_entropies(
        model,
        torch.tensor([ids]),
        torch.tensor([told]),
        keep,
        compute_entropy=True,
        compute_aux_loss=aux,
        pixel_values=None,
        num_images=None,
    )
    return found, calls


def entropy(*weights):
    return -sum(w / sum(weights) * math.log(w / sum(weights)) for w in weights)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"min_p": 0.15}, (0.5, 0.3, 0.1)),
        ({"top_k": 2}, (0.5, 0.3)),
        ({"top_p": 0.85}, (0.5, 0.3, 0.1)),
        ({"top_k": 4, "min_p": 0.5}, (0.5, 0.3)),
    ],
)
def test_the_entropy_is_that_of_what_is_left(settings, left):
    (logps, entropies, aux), _ = measured(LOGITS, **settings)
    torch.testing.assert_close(entropies, torch.full((1, 3), entropy(*left)))
    torch.testing.assert_close(logps.exp(), torch.tensor([[0.5, 0.3, 0.1]]))  # those of the whole vocabulary
    assert aux is None


def test_the_temperature_comes_before_the_cut():
    (_, entropies, _), _ = measured(LOGITS, min_p=0.15, temperature=0.5)
    torch.testing.assert_close(entropies, torch.full((1, 3), entropy(0.25, 0.09)))


def test_tokens_that_are_padding_count_nothing():
    (logps, entropies, _), _ = measured(LOGITS, told=(1, 1, 1, 0), min_p=0.15)
    assert (logps[0, -1], entropies[0, -1]) == (0.0, 0.0)
    assert (entropies[0, :-1] > 0.5).all()


def test_the_bonus_moves_no_hidden_token():
    logits = LOGITS.clone().requires_grad_()
    (_, entropies, _), _ = measured(logits, min_p=0.15)
    entropies.sum().backward()
    assert (logits.grad[3:] == 0).all()
    assert (logits.grad[:3].abs() > 1e-3).all()


def test_the_loss_presses_on_what_is_hidden_and_keeps_the_rest_in_proportion():
    logits = LOGITS.clone().requires_grad_()
    trainer = aware_of_truncation(Plain, 0.5)(min_p=0.15)  # leaves 0.9 of the mass
    text = torch.tensor([[4, 0, 1, 2]])

    def model(input_ids, logits_to_keep, **_):
        return SimpleNamespace(logits=logits.expand(1, 4, V)[:, -logits_to_keep:])

    loss = trainer._compute_loss(model, (text, torch.ones_like(text), 3))
    assert loss.item() == pytest.approx(3 - 0.5 * math.log(0.9) / 2)
    assert trainer._metrics["train"]["hidden"] == [pytest.approx(0.1)]
    loss.backward()
    p, q = LOGITS.exp(), torch.tensor([0.5, 0.3, 0.1, 0, 0, 0]) / 0.9
    torch.testing.assert_close(logits.grad, 0.5 / 2 * (p - q))  # downhill, p goes to q
    assert trainer._compute_loss(model, None).item() == 3.0, "nothing is left over from the pass before"


def test_a_batch_that_is_masked_as_a_whole_has_no_tail():
    trainer = aware_of_truncation(Plain, 0.5)(min_p=0.15)
    text = torch.tensor([[4, 0, 1, 2]])

    def model(input_ids, logits_to_keep, **_):
        return SimpleNamespace(logits=LOGITS.expand(1, 4, V)[:, -logits_to_keep:])

    assert trainer._compute_loss(model, (text, torch.tensor([[1, 0, 0, 0]]), 3)).item() == 3.0
    assert trainer._metrics["train"]["hidden"] == [0.0]


def test_without_a_cut_or_a_wish_for_entropies_trl_does_it():
    trainer = aware_of_truncation(Plain, 0.5)()
    own, args, options = trainer._get_per_token_logps_and_entropies("model", "ids", "mask", 3, compute_entropy=True)
    assert (own, args) == ("TRL's own", ("model", "ids", "mask", 3))
    assert options == {"batch_size": None, "compute_entropy": True, "compute_aux_loss": False}
    trainer = aware_of_truncation(Plain, 0.5)(min_p=0.1)
    assert trainer._get_per_token_logps_and_entropies("model", "ids", "mask", 3, 2)[0] == "TRL's own"


def test_the_experts_loss_is_asked_for_and_given():
    (_, _, aux), calls = measured(LOGITS, min_p=0.1, aux=True)
    assert calls == [{"output_router_logits": True, "use_cache": False}]
    assert aux == "the experts' loss"


def test_beside_trls_own_figures_on_the_shipped_model(tmp_path):
    """A cut so small that it cuts nothing gives what TRL gives."""
    from datasets import Dataset
    from trl import GRPOTrainer

    set_seed(0)
    loaded = load_model(ModelConfig(path="tiny"), "cpu")
    config = load_config(RECIPE, ["method.min_p=1e-30", "method.temperature=1.3"]).config
    made = aware_of_truncation(GRPOTrainer, 0.0)(
        model=loaded.model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=_arguments(config, tmp_path, "cpu", [1.0]),
        train_dataset=Dataset.from_dict({"prompt": ["a"]}),
        processing_class=loaded.tokenizer,
    )
    ids = torch.randint(5, 200, (2, 12))
    mask = torch.ones_like(ids)
    mask[1, -3:] = 0
    ours = made._get_per_token_logps_and_entropies(made.model, ids, mask, 7, compute_entropy=True)
    theirs = GRPOTrainer._get_per_token_logps_and_entropies(made, made.model, ids, mask, 7, compute_entropy=True)
    torch.testing.assert_close(ours[0], theirs[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(ours[1], theirs[1], atol=1e-5, rtol=1e-5)
