"""Faults strike evenly and the same way every run, and travel by environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samples.shop.faults import Faults, strikes


class TestFaults:
    def test_a_rate_is_kept_over_any_stretch(self) -> None:
        struck = [strikes(1, "payment", 0.2, number) for number in range(1, 101)]
        assert sum(struck) == 20
        assert all(sum(struck[start : start + 10]) == 2 for start in range(90))

    def test_seeds_differ_in_which_orders_are_struck(self) -> None:
        patterns = {
            tuple(strikes(seed, "poison", 0.1, number) for number in range(20)) for seed in range(9)
        }
        assert len(patterns) > 1

    def test_never_and_always(self) -> None:
        assert not any(strikes(3, "poison", 0, number) for number in range(50))
        assert all(strikes(3, "poison", 1, number) for number in range(50))

    def test_a_service_gets_the_same_faults_by_its_environment(self) -> None:
        faults = Faults(
            payment_failures=0.5,
            skipped=2,
            redelivery={"points": 0.1},
            slow={},
            stuck="payment",
            clock={"*": -60.5, "points": 2.0},
            down="",
        )
        assert Faults.from_environment(faults.environment()) == faults

    def test_a_healthy_shop_has_refused_cards_and_nothing_else(self) -> None:
        assert Faults.healthy() == replace(Faults.none(), payment_failures=0.2)

    def test_the_environment_changes_only_what_it_names(self) -> None:
        faults = Faults.from_environment({"SHOP_SLOW": "payment=0.5"})
        assert faults == Faults(slow={"payment": 0.5})

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("SHOP_POISON", "much"),
            ("SHOP_SLOW", "payment"),
            ("SHOP_SLOW", "p=x"),
            ("SHOP_SKIPPED", "1.5"),
        ],
    )
    def test_a_bad_variable_is_named(self, name: str, text: str) -> None:
        with pytest.raises(ValueError, match=name):
            Faults.from_environment({name: text})
