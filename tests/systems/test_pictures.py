"""The pictures of the tasks: the same shapes for pygame and, traced, for a browser."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from hnn_gym.envs.render.picture import PictureRenderer
from hnn_gym.page.programs import picture_program
from hnn_gym.systems import SYSTEMS, Task
from hnn_gym.systems.picture import COLOURS
from hnn_gym.trace import scalar_code

TASKS = {name: task for name, system in SYSTEMS.items() if (task := system.task_for({})) is not None}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_task_has_a_picture_that_traces_to_the_same_points(task: Task) -> None:
    q, _ = task.initial(np.random.default_rng(0), {})
    q = q + 0.1
    programs, picture = picture_program(task, len(q))
    assert picture is not None
    assert {shape.colour for shape in picture.shapes} <= set(COLOURS)
    (traced,) = scalar_code.compiled(programs["picture"], {})(q.tolist())
    drawn = task.picture(q)
    assert drawn is not None
    np.testing.assert_allclose(traced, np.concatenate([np.ravel(shape.points) for shape in drawn.shapes]), atol=1e-12)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_picture_moves_with_the_state(task: Task) -> None:
    renderer = PictureRenderer("rgb_array", task)
    q, v = task.initial(np.random.default_rng(0), {})
    frames = [renderer.draw(place, v, None) for place in (q, q + 0.3 * np.arange(1, len(q) + 1))]
    assert frames[0] is not None
    assert frames[0].shape == (500, 500, 3)
    assert (frames[0] != frames[1]).any()
    renderer.close()


def test_a_pole_that_leans_to_the_right_is_drawn_to_the_right() -> None:
    task = TASKS["CartPole-v1"]
    drawn = task.picture(np.array([0.0, 0.1]))
    assert drawn is not None
    pole = next(shape for shape in drawn.shapes if shape.colour == "body")
    assert pole.points[1, 0] > 0 > -pole.points[1, 1]
    hanging = TASKS["Acrobot-v1"].picture(np.zeros(2))
    assert hanging is not None
    np.testing.assert_allclose(hanging.shapes[2].points[1], [0.0, -2.0], atol=1e-12)


def test_mujocos_pendulums_are_drawn_in_a_learned_world() -> None:
    spec = gymnasium.spec("HNN-v0")
    assert spec is not None
    for name in ("InvertedPendulum-v5", "InvertedDoublePendulum-v5"):
        assert TASKS[name].renderer == "hnn_gym.envs.render.picture:PictureRenderer"
