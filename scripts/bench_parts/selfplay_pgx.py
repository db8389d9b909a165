"""pgx and mctx at the work of the self-play benchmark, one measurement a process: `random B`, `search B`, `tree B`.

Run by the peers' environment alone; it imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time

import jax
import jax.numpy as jnp
import mctx
import pgx

SIMULATIONS = 32
CHANNELS, BLOCKS, ACTIONS = 32, 2, 65
LONGEST = 128  # plies of one batch of games, passes included, at most
LEAST_S = 5.0

env = pgx.make("othello")


def random_steps(batch, short):
    """Moves of random games that begin anew as they end, and CPU-seconds."""

    def step(state, key):
        weights = jnp.log(state.legal_action_mask.astype(jnp.float32))
        return jax.vmap(env.step)(state, jax.random.categorical(key, weights, axis=-1)), None

    turns = 60
    play = jax.jit(lambda state, key: jax.lax.scan(step, state, jax.random.split(key, turns))[0])
    begin = jax.jit(lambda key: jax.vmap(env.init)(jax.random.split(key, batch)))
    key = jax.random.PRNGKey(0)
    start = jax.block_until_ready(begin(key))
    jax.block_until_ready(play(start, key))
    work, began = 0, time.process_time()
    while (taken := time.process_time() - began) < (1.0 if short else LEAST_S):
        key, now = jax.random.split(key)
        jax.block_until_ready(play(start, now))
        work += batch * turns
    return work, taken


def parameters(key):
    """A residual tower of the same size as ours: 32 channels, 2 blocks."""
    shapes = {"stem": (3, 3, 2, CHANNELS), "policy": (CHANNELS * 64, ACTIONS)}
    shapes["value"] = (CHANNELS * 64, 1)
    for block in range(BLOCKS):
        for half in "ab":
            shapes[f"{block}{half}"] = (3, 3, CHANNELS, CHANNELS)
    keys = jax.random.split(key, len(shapes))
    return {
        name: jax.random.normal(k, shape) * 0.05
        for k, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


def network(weights, observation):
    def convolved(x, kernel):
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    x = jax.nn.relu(convolved(observation.astype(jnp.float32), weights["stem"]))
    for block in range(BLOCKS):
        inner = jax.nn.relu(convolved(x, weights[f"{block}a"]))
        x = jax.nn.relu(x + convolved(inner, weights[f"{block}b"]))
    flat = x.reshape(x.shape[0], -1)
    return flat @ weights["policy"], jnp.tanh(flat @ weights["value"])[:, 0]


def constant(_, observation):
    games = observation.shape[0]
    return jnp.zeros((games, ACTIONS)), jnp.zeros(games)


def search_of(evaluate):
    def recurrent(weights, _, action, state):
        mover = state.current_player
        state = jax.vmap(env.step)(state, action)
        logits, value = evaluate(weights, state.observation)
        logits = jnp.where(state.legal_action_mask, logits, jnp.finfo(logits.dtype).min)
        reward = state.rewards[jnp.arange(len(mover)), mover]
        discount = jnp.where(state.terminated, 0.0, -1.0)
        value = jnp.where(state.terminated, 0.0, value)
        found = mctx.RecurrentFnOutput(
            reward=reward, discount=discount, prior_logits=logits, value=value
        )
        return found, state

    @jax.jit
    def move(weights, state, key):
        logits, value = evaluate(weights, state.observation)
        root = mctx.RootFnOutput(prior_logits=logits, value=value, embedding=state)
        found = mctx.gumbel_muzero_policy(
            weights,
            key,
            root,
            recurrent,
            SIMULATIONS,
            invalid_actions=~state.legal_action_mask,
        )
        return jax.vmap(env.step)(state, found.action)

    return move


def searched_games(evaluate, batch):
    """Whole games, and CPU-seconds; compiling is not counted."""
    key = jax.random.PRNGKey(0)
    weights, move = parameters(key), search_of(evaluate)
    state = jax.vmap(env.init)(jax.random.split(key, batch))
    jax.block_until_ready(move(weights, state, key))
    began = time.process_time()
    for _ in range(LONGEST):
        key, now = jax.random.split(key)
        state = move(weights, state, now)
        if bool(state.terminated.all()):
            break
    return batch, time.process_time() - began


if __name__ == "__main__":
    what, batch = sys.argv[1], int(sys.argv[2])
    if what == "random":
        work, cpu_s = random_steps(batch, "--short" in sys.argv)
    else:
        work, cpu_s = searched_games(network if what == "search" else constant, batch)
    print(json.dumps({"work": work, "cpu_s": cpu_s}))
