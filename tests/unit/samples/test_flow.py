"""The declared flow fits together, and every role is played."""

from __future__ import annotations

import importlib.util

import pytest

from samples.shop.flow import ROLES, TOPICS, Known, consumers


class TestFlow:
    def test_every_topic_is_produced_by_one_service_and_exists(self) -> None:
        produced = [topic for role in ROLES.values() for topic in role.produces]
        assert sorted(produced) == sorted(TOPICS)

    def test_every_consumed_topic_exists(self) -> None:
        assert {topic for role in ROLES.values() for topic in role.consumes} <= set(TOPICS)
        assert {role.name for role in consumers("order.completed")} == {
            "notification",
            "points",
            "order-view",
            "analytics",
        }

    def test_groups_are_nobody_elses(self) -> None:
        groups = [role.group for role in ROLES.values() if role.group]
        assert len(groups) == len(set(groups))

    @pytest.mark.parametrize("name", ROLES)
    def test_every_role_is_played(self, name: str) -> None:
        module = f"samples.shop.services.{name.replace('-', '_')}"
        assert importlib.util.find_spec(module) is not None

    def test_who_takes_no_group_name_into_its_spans_shares_the_name(self) -> None:
        for role in ROLES.values():
            if role.group_known == (Known.NAME,):
                assert role.group == role.name
