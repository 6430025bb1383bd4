# SPDX-License-Identifier: Apache-2.0
"""Does with examples/bindings/python/discover.py what its users do. Exits 1 when a thing does not go as it must.

Usage: python_binding.py SOCKET HEADERS, with a daemon that nothing is registered at."""

import asyncio
import contextlib
import os
import re
import select
import sys
import threading

import discover
from discover import CannotKnow, Discover, Error, NoInstance, Outcome, Source, State

SOCKET, HEADERS = sys.argv[1:]


def raises(kind, fn, *arguments, code=None, **options):
    try:
        fn(*arguments, **options)
    except kind as e:
        assert code is None or e.code == code, e.code
        return e
    raise AssertionError(f"{fn} does not raise {kind}")


def constants():
    """Those of the header, by its numbers."""
    text = "".join(open(f"{HEADERS}/{name}").read() for name in ("discover.h", "types.h"))
    there = {name: int(value) for name, value in re.findall(r"DISCOVER_(\w+) = (-?\d+)", text)}
    for name in [n for n in vars(discover) if re.fullmatch(r"E_\w+|FRESH|STALE|DEGRADED", n)]:
        assert getattr(discover, name) == there[name], name
    for kind, prefix in ((Source, "SOURCE_"), (State, ""), (discover.Protocol, ""), (discover.Tier, ""), (Outcome, "")):
        for member in kind:
            assert member == there[prefix + member.name], member
    assert there["ADDED"], there["REMOVED"] == (1, 2)


def plain():
    """Without a loop: register, look up, pick, watch."""
    with Discover(socket=SOCKET, name="plain") as d:
        assert d.connected()
        raises(NoInstance, d.resolve, "shop/none", code=discover.E_UNKNOWN)
        raises(Error, d.resolve, "not a name", code=discover.E_NAME)
        first = d.register("shop/payment", 8080, instance="p1", addresses=["127.0.0.1", "::1"], tags=["canary"], weight=3,
                           meta={"version": "1"})
        second = d.register("shop/payment", 8081, addresses=["127.0.0.2"])
        assert first.instance == "p1" and second.instance
        endpoints = d.resolve("shop/payment")
        assert endpoints.result == discover.FRESH and d.age() == 0
        assert sorted(map(str, endpoints)) == ["127.0.0.1:8080", "127.0.0.2:8081"], endpoints
        (canary,) = d.resolve("shop/payment", tags=["canary"])
        assert (canary.ipv6, canary.weight, canary.state) == ("::1", 3, State.PASSING)
        raises(NoInstance, d.resolve, "shop/payment", place="nowhere")
        picks(d, endpoints)
        watched(d, first)
        second.close()
        raises(Error, second.close, code=discover.E_UNKNOWN)
        raises(NoInstance, d.resolve, "shop/payment")  # the first one drains
        forked(d)
        many(d)


def picks(d, endpoints):
    picker = d.picker("shop/payment")
    seen = set()
    for _ in range(50):
        with picker.call() as endpoint:
            seen.add(endpoint)
    assert seen == set(endpoints)
    assert picker.pick(key=b"a\0b") == picker.pick(key=b"a\0b")
    for _ in range(2):
        picker.report(endpoints[0], 0.001)
    assert picker.pick(tried=[endpoints[0]]) == endpoints[1]
    picker.report(endpoints[1], 0.001)
    for _ in range(8):
        with contextlib.suppress(ConnectionRefusedError), picker.call() as endpoint:
            if endpoint == endpoints[0]:
                raise ConnectionRefusedError
    picker.share()
    picker.close()
    picker.close()


def until(d, condition):
    while not condition():
        assert select.select([d], [], [], 5)[0], "nothing comes"
        d.dispatch()


def watched(d, registration):
    changes = []
    watch = d.watch("shop/payment", changes.append)
    until(d, lambda: changes)
    assert len(changes[0].endpoints) == len(changes[0].added) == 2
    registration.drain()
    until(d, lambda: len(changes) > 1)
    assert [e.port for e in changes[-1].removed] == [8080] and len(changes[-1].endpoints) == 1
    traced(d, registration, changes)
    watch.close()
    watch.close()

    def wrong(change):
        raise ZeroDivisionError

    with contextlib.closing(d.watch("shop/payment", wrong)):
        raises(ZeroDivisionError, until, d, lambda: False)


def traced(d, registration, changes):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert changes[0].traceparent == changes[0].tracestate == ""
    raises(Error, d.set_trace, "nonsense", code=-22)  # -EINVAL
    d.set_trace(parent, "vendor=1")
    third = d.register("shop/payment", 8082, addresses=["127.0.0.3"])
    until(d, lambda: changes[-1].traceparent)
    assert (changes[-1].traceparent, changes[-1].tracestate) == (parent, "vendor=1")
    d.set_trace()
    third.close()
    until(d, lambda: not changes[-1].traceparent)


def forked(d):
    """A child looks up, but what is registered is not its own."""
    d.register("shop/parent", 80, addresses=["127.0.0.1"])
    child = os.fork()
    if child == 0:
        ok = False
        with contextlib.suppress(BaseException):
            assert len(d.resolve("shop/parent")) == 1
            raises(Error, d.register, "shop/child", 80, code=-10)  # -ECHILD
            d.close()
            with Discover(socket=SOCKET) as own:
                own.register("shop/child", 80, addresses=["127.0.0.1"])
                ok = len(own.resolve("shop/child")) == 1
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert len(d.resolve("shop/parent")) == 1


def many(d):
    """More than a first try has room for; from any thread."""
    for i in range(150):
        d.register("shop/many", 1 + i, addresses=["127.0.0.1"])
    wrong = []

    def look():
        for _ in range(20):
            if len(d.resolve("shop/many")) != 150 or len(d.resolve("shop/many", states=[State.PASSING])) != 150:
                wrong.append(1)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert {e.port for e in d.resolve("shop/many", states=[State.PASSING])} == set(range(1, 151))


async def in_a_loop():
    async with Discover(socket=SOCKET, name="loop") as d:
        try:
            await d.wait_async("shop/async", 0.1)
            raise AssertionError("there is nobody")
        except NoInstance:
            pass
        seen = asyncio.Queue()

        async def follow():
            async for endpoints in d.changes("shop/async"):
                seen.put_nowait(sorted(e.port for e in endpoints))

        follower = asyncio.create_task(follow())
        assert await asyncio.wait_for(seen.get(), 5) == []
        one = await d.register_async("shop/async", 1, addresses=["127.0.0.1"])
        assert await asyncio.wait_for(seen.get(), 5) == [1]
        assert len(await d.wait_async("shop/async", 5)) == 1
        registrations = await asyncio.gather(
            *(d.register_async("shop/async", port, addresses=["127.0.0.1"]) for port in range(2, 12)))
        assert len({r.instance for r in registrations}) == 10 and one.instance
        while await asyncio.wait_for(seen.get(), 5) != list(range(1, 12)):
            pass
        await one.close_async()
        while await asyncio.wait_for(seen.get(), 5) != list(range(2, 12)):
            pass
        try:
            await one.close_async()
            raise AssertionError("it is gone")
        except Error as e:
            assert e.code == discover.E_UNKNOWN
        await d.drain_async()
        while await asyncio.wait_for(seen.get(), 5):
            pass
        follower.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await follower


def nobody():
    with Discover(socket="/nonexistent", source=Source.DAEMON) as d:
        raises(CannotKnow, d.resolve, "shop/payment")
        assert not d.connected() and d.age() is None


constants()
plain()
asyncio.run(in_a_loop())
nobody()
keep = Discover(socket=SOCKET)
keep.register("shop/last", 80, addresses=["127.0.0.1"])
print("ok", flush=True)
sys.stdin.read()  # until it is killed
