# SPDX-License-Identifier: Apache-2.0
"""Look services up and register them, by way of libdiscover and the discoverd of this host. One file; copy it.

    with Discover() as d:
        print(d.resolve("shop/payment"))
        picker = d.picker("shop/payment")
        with picker.call() as endpoint:             # measured, and reported to the balancer
            ... call endpoint.host, endpoint.port ...
        d.register("shop/cart", 8080)               # until it is closed, or this process ends

    async with Discover() as d:                     # dispatched by the running loop
        await d.wait_async("shop/payment", 5)
        registration = await d.register_async("shop/cart", 8080)
        async for endpoints in d.changes("shop/payment"):
            ...
        await registration.drain_async()

Threads: resolve, pick and report may be called from any; whatever talks to the daemon takes a lock. Without a loop
every resolve looks whether the daemon has something to say; who only picks calls dispatch() from time to time.

fork: what is registered belongs to the process that made the Discover. A child may look up in the parent's last table; it
closes its copy and makes a Discover of its own.
"""

import asyncio
import contextlib
import ctypes
import enum
import ipaddress
import os
import select
import struct
import threading
import time
import weakref
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass

FRESH, STALE, DEGRADED = 0, 1, 2
E_NONE, E_UNKNOWN, E_UNSYNCED, E_BUSY, E_NAME, E_VERSION, E_DENIED, E_LIMIT, E_CONFLICT, E_PROTOCOL, E_BUDGET = range(
    -4001, -4012, -1
)

Source = enum.IntEnum("Source", "AUTO DAEMON DNS", start=0)
Protocol = enum.IntEnum("Protocol", "TCP UDP", start=0)
State = enum.IntEnum("State", "PASSING WARNING CRITICAL MAINTENANCE DRAINING", start=1)
Tier = enum.IntEnum("Tier", "HOST ZONE REGION ELSEWHERE", start=0)
Outcome = enum.IntEnum("Outcome", "OK FAILED UNREACHABLE CANCELLED", start=0)


class Error(Exception):
    """A negative result: code is a DISCOVER_E... or a negative errno."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class NoInstance(Error):
    """The service is not there, or nobody of it can be called."""


class CannotKnow(Error):
    """Neither a daemon nor DNS has answered yet."""


class _Change(ctypes.Structure):
    _fields_ = [("service", c_char_p), ("result", c_int), ("endpoints", c_void_p), ("n", c_size_t),
                ("differences", c_void_p), ("n_differences", c_size_t), ("traceparent", c_char_p), ("tracestate", c_char_p)]


class _Answer(ctypes.Structure):
    _fields_ = [("result", c_int), ("error", c_char_p), ("instance", c_char_p), ("status", c_void_p), ("reload", c_void_p)]


_WATCH_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(_Change))
_ANSWER_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(_Answer))

# Result and arguments. A library that does not have one of them is too old: it is said at import.
_PROTOTYPES = {
    "discover_strerror": (c_char_p, c_int),
    "discover_sizeof_endpoint": (c_size_t,),
    "discover_sizeof_difference": (c_size_t,),
    "discover_new": (c_int, POINTER(c_void_p)),
    "discover_free": (None, c_void_p),
    "discover_set_socket": (c_int, c_void_p, c_char_p),
    "discover_set_source": (c_int, c_void_p, c_int),
    "discover_set_dns": (c_int, c_void_p, c_char_p, c_char_p),
    "discover_set_name": (c_int, c_void_p, c_char_p),
    "discover_set_timeout": (c_int, c_void_p, c_int),
    "discover_set_trace": (c_int, c_void_p, c_char_p, c_char_p),
    "discover_start": (c_int, c_void_p),
    "discover_fd": (c_int, c_void_p),
    "discover_dispatch": (c_int, c_void_p),
    "discover_connected": (c_int, c_void_p),
    "discover_last_error": (c_char_p, c_void_p),
    "discover_age_ms": (c_int64, c_void_p),
    "discover_resolve": (c_int, c_void_p, c_char_p, c_void_p, c_size_t, POINTER(c_size_t)),
    "discover_wait_usable": (c_int, c_void_p, c_char_p, c_int),
    "discover_query_new": (c_int, c_char_p, POINTER(c_void_p)),
    "discover_query_free": (None, c_void_p),
    "discover_query_add_tag": (c_int, c_void_p, c_char_p),
    "discover_query_add_state": (c_int, c_void_p, c_int),
    "discover_query_set_place": (c_int, c_void_p, c_char_p),
    "discover_query_set_protocol": (c_int, c_void_p, c_int),
    "discover_query_run": (c_int, c_void_p, c_void_p, c_void_p, c_void_p, c_size_t, POINTER(c_size_t)),
    "discover_picker_new_query": (c_int, c_void_p, c_void_p, POINTER(c_void_p)),
    "discover_picker_free": (None, c_void_p),
    "discover_picker_share": (c_int, c_void_p),
    "discover_pick": (c_int, c_void_p, c_void_p),
    "discover_pick_key": (c_int, c_void_p, c_char_p, c_size_t, c_void_p),
    "discover_pick_retry": (c_int, c_void_p, POINTER(c_uint64), c_size_t, c_void_p),
    "discover_report": (None, c_void_p, c_uint64, c_uint32, c_int),
    "discover_watch": (c_int, c_void_p, c_char_p, _WATCH_FN, c_void_p, POINTER(c_void_p)),
    "discover_unwatch": (None, c_void_p),
    "discover_registration_new": (c_int, c_char_p, c_uint16, POINTER(c_void_p)),
    "discover_registration_free": (None, c_void_p),
    "discover_registration_set_instance": (c_int, c_void_p, c_char_p),
    "discover_registration_add_address": (c_int, c_void_p, c_char_p),
    "discover_registration_set_protocol": (c_int, c_void_p, c_int),
    "discover_registration_set_weight": (c_int, c_void_p, c_uint32),
    "discover_registration_set_priority": (c_int, c_void_p, c_uint16),
    "discover_registration_set_exported": (c_int, c_void_p, c_int),
    "discover_registration_set_state": (c_int, c_void_p, c_int),
    "discover_registration_add_tag": (c_int, c_void_p, c_char_p),
    "discover_registration_set_meta": (c_int, c_void_p, c_char_p, c_char_p),
    "discover_registration_instance": (c_char_p, c_void_p),
    "discover_register": (c_int, c_void_p, c_void_p),
    "discover_register_async": (c_int, c_void_p, c_void_p, _ANSWER_FN, c_void_p, POINTER(c_void_p)),
    "discover_deregister": (c_int, c_void_p, c_char_p, c_char_p),
    "discover_deregister_async": (c_int, c_void_p, c_char_p, c_char_p, _ANSWER_FN, c_void_p, POINTER(c_void_p)),
    "discover_drain": (c_int, c_void_p, c_void_p),
    "discover_drain_async": (c_int, c_void_p, c_void_p, _ANSWER_FN, c_void_p, POINTER(c_void_p)),
}


def _load():
    library = ctypes.CDLL(os.environ.get("LIBDISCOVER", "libdiscover.so.0"))
    for name, (result, *arguments) in _PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_lib = _load()

# ipv6, ipv4, port, families, state, weight, priority, protocol, tier, id: the layout is part of the library's ABI.
_ENDPOINT = struct.Struct("=16s4sHBBIHBBQ")
_DIFFERENCE = struct.Struct(f"=i4x{_ENDPOINT.size}s")

# A newer library may have larger structures, which begin like these.
_STRIDE, _STEP = _lib.discover_sizeof_endpoint(), _lib.discover_sizeof_difference()


@dataclass(frozen=True)
class Endpoint:
    """One instance. host is an address as text ("" while its host name cannot be resolved): IPv4 where it has both."""

    host: str
    port: int
    ipv4: str
    ipv6: str
    state: State
    weight: int
    priority: int
    protocol: Protocol
    tier: Tier
    id: int

    def __str__(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _endpoint(memory, at=0):
    ipv6, ipv4, port, families, state, weight, priority, protocol, tier, number = _ENDPOINT.unpack_from(memory, at)
    v4 = str(ipaddress.IPv4Address(ipv4)) if families & 1 else ""
    v6 = str(ipaddress.IPv6Address(ipv6)) if families & 2 else ""
    return Endpoint(v4 or v6, port, v4, v6, State(state), weight, priority, Protocol(protocol), Tier(tier), number)


def _endpoints_at(address, n):
    memory = ctypes.string_at(address, n * _STRIDE) if n else b""
    return [_endpoint(memory, i * _STRIDE) for i in range(n)]


class Endpoints(list):
    """Instances; result is FRESH, STALE or DEGRADED."""

    def __init__(self, endpoints, result):
        super().__init__(endpoints)
        self.result = result


@dataclass(frozen=True)
class Change:
    """What a watch reports: all that is there now, what differs from the time before, and the trace context (W3C) of the newest
    change that had one."""

    service: str
    result: int
    endpoints: Endpoints
    added: list
    removed: list
    changed: list
    traceparent: str
    tracestate: str


def _bytes(text):
    return None if text is None else text.encode()


def _error(code, text=""):
    kind = {E_NONE: NoInstance, E_UNKNOWN: NoInstance, E_UNSYNCED: CannotKnow, E_BUSY: CannotKnow}.get(code, Error)
    said = _lib.discover_strerror(code).decode()
    return kind(code, f"{said}: {text}" if text else said)


def _check(result, text=""):
    if result < 0:
        raise _error(result, text)
    return result


@contextlib.contextmanager
def _query(service, tags, place, protocol, states):
    query = c_void_p()
    _check(_lib.discover_query_new(_bytes(service), byref(query)), service)
    try:
        for tag in tags:
            _check(_lib.discover_query_add_tag(query, _bytes(tag)), tag)
        if place is not None:
            _check(_lib.discover_query_set_place(query, _bytes(place)), place)
        if protocol is not None:
            _check(_lib.discover_query_set_protocol(query, protocol))
        for state in states:
            _check(_lib.discover_query_add_state(query, state))
        yield query
    finally:
        _lib.discover_query_free(query)


class Discover:
    """A handle of libdiscover, started. Its parameters are those of discover_set_...; default: the environment's."""

    def __init__(self, socket=None, source=Source.AUTO, dns=None, zone=None, name=None, timeout=2.0):
        self._lock = threading.RLock()
        self._loop = None
        self._raised = None
        self._watches, self._calls, self._next_call = {}, {}, 1
        self._pickers = weakref.WeakSet()
        self._on_change, self._on_answer = _WATCH_FN(self._changed), _ANSWER_FN(self._answered)
        self._d = c_void_p()
        _check(_lib.discover_new(byref(self._d)))
        try:
            self._set(socket, source, dns, zone, name, timeout)
            self._check(_lib.discover_start(self._d))
        except BaseException:
            self.close()
            raise

    def _set(self, socket, source, dns, zone, name, timeout):
        if socket is not None:
            self._check(_lib.discover_set_socket(self._d, _bytes(socket)))
        if dns is not None or zone is not None:
            self._check(_lib.discover_set_dns(self._d, _bytes(dns or ""), _bytes(zone)))
        if name is not None:
            self._check(_lib.discover_set_name(self._d, _bytes(name)))
        self._check(_lib.discover_set_source(self._d, source))
        self._check(_lib.discover_set_timeout(self._d, round(timeout * 1000)))

    def _check(self, result):
        return _check(result, self.last_error() if result < 0 else "")

    def close(self):
        """Ends the connection, and with it what is registered, watched and asked. Once is enough."""
        self.detach()
        with self._lock:
            for part in [*self._watches.values(), *self._pickers]:
                part.close()
            d, self._d = self._d, None
            if d:
                _lib.discover_free(d)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    async def __aenter__(self):
        self.attach()
        return self

    async def __aexit__(self, *_):
        self.close()

    # --- the place in the caller's loop ---

    def fileno(self):
        """Readable when dispatch has work: for select and the like."""
        return _check(_lib.discover_fd(self._d))

    def dispatch(self):
        """Does what is due, without waiting; calls watches. Raises what one of them raised."""
        with self._lock:
            result = _lib.discover_dispatch(self._d)
            raised, self._raised = self._raised, None
            if raised:
                raise raised
            self._check(result)

    def attach(self, loop=None):
        """From now on the loop (default: the running one) dispatches."""
        self._loop = loop or asyncio.get_running_loop()
        self._loop.add_reader(self.fileno(), self._on_readable)

    def detach(self):
        if self._loop and self._d:
            self._loop.remove_reader(self.fileno())
        self._loop = None

    def _on_readable(self):
        try:
            self.dispatch()
        except Exception as e:  # the handle works on it by itself; a watch's error is the program's to see
            self._loop.call_exception_handler({"message": "discover.dispatch", "exception": e})

    def _step(self):
        """Without a loop: what the daemon has to say, such as that there is a larger table."""
        if self._loop or not self._lock.acquire(blocking=False):
            return
        try:
            poll = select.poll()
            poll.register(self.fileno(), select.POLLIN)
            if poll.poll(0):
                self.dispatch()
        except Error:
            pass  # look-ups have an answer all the same, and say how old it is
        finally:
            self._lock.release()

    def connected(self):
        return _lib.discover_connected(self._d) > 0

    def last_error(self):
        return _lib.discover_last_error(self._d).decode() if self._d else ""

    def age(self):
        """How old what look-ups answer may be, in seconds; None: nothing was ever known."""
        age_ms = _lib.discover_age_ms(self._d)
        return age_ms / 1000 if age_ms >= 0 else None

    # --- look-ups ---

    def resolve(self, service, tags=(), place=None, protocol=None, states=()):
        """The usable instances that meet the conditions, by priority, then nearness. NoInstance, CannotKnow, Error."""
        self._step()
        if not tags and place is None and protocol is None and not states:
            return self._resolve(service)
        with _query(service, tags, place, protocol, states) as query:
            return self._run(query, service)

    def _resolve(self, service):
        n, cap = c_size_t(), 32
        while True:
            memory = ctypes.create_string_buffer(cap * _STRIDE)
            result = _check(_lib.discover_resolve(self._d, _bytes(service), memory, cap, byref(n)), service)
            if n.value <= cap:
                return Endpoints((_endpoint(memory, i * _STRIDE) for i in range(n.value)), result)
            cap = 2 * n.value

    def _run(self, query, service):
        found, n, cap, after = [], c_size_t(), 64, None
        while True:
            memory = ctypes.create_string_buffer(cap * _STRIDE)
            result = _check(_lib.discover_query_run(self._d, query, after, memory, cap, byref(n)), service)
            found += [_endpoint(memory, i * _STRIDE) for i in range(min(n.value, cap))]
            if n.value <= cap:
                return Endpoints(found, result)
            after = memory[(cap - 1) * _STRIDE : cap * _STRIDE]

    def wait(self, service, timeout):
        """Waits, at most so many seconds, until somebody can be called."""
        with self._lock:
            _check(_lib.discover_wait_usable(self._d, _bytes(service), round(timeout * 1000)), service)

    async def wait_async(self, service, timeout):
        end = time.monotonic() + timeout
        while True:
            try:
                return self.resolve(service)
            except (NoInstance, CannotKnow):
                if time.monotonic() >= end:
                    raise
            await asyncio.sleep(0.01)

    def picker(self, service, tags=(), place=None, protocol=None, states=()):
        with _query(service, tags, place, protocol, states) as query:
            return Picker(self, query)

    # --- watches ---

    def watch(self, service, fn):
        """Calls fn(Change) from dispatch: with all that is there, then whenever the set is another one."""
        return Watch(self, service, fn)

    async def changes(self, service):
        """The instances, whenever they are others: always the newest set; who is slow misses those between."""
        newest, there = None, asyncio.Event()

        def take(change):
            nonlocal newest
            newest = change.endpoints
            there.set()

        with contextlib.closing(self.watch(service, take)):
            while True:
                await there.wait()
                there.clear()
                yield newest

    def _changed(self, arg, change):
        try:
            watch = self._watches.get(arg)
            if watch:
                watch._tell(change.contents)
        except Exception as e:
            self._raised = e

    # --- registrations ---

    def set_trace(self, traceparent=None, tracestate=None):
        """The trace context (W3C) of what is registered, changed and drained from now on. It reaches every watch."""
        with self._lock:
            self._check(_lib.discover_set_trace(self._d, _bytes(traceparent), _bytes(tracestate)))

    def register(self, service, port, **options):
        """Registers, and waits for the daemon. Options: see Registration. It is registered again by itself."""
        registration = Registration(self, service, port, **options)
        with self._lock:
            self._check(_lib.discover_register(self._d, registration._r))
        registration.instance = _lib.discover_registration_instance(registration._r).decode()
        return registration

    async def register_async(self, service, port, **options):
        registration = Registration(self, service, port, **options)
        registration.instance = await self._ask(_lib.discover_register_async, registration._r)
        return registration

    def drain(self):
        """All that is registered here gets no new calls from now on."""
        with self._lock:
            self._check(_lib.discover_drain(self._d, None))

    async def drain_async(self):
        await self._ask(_lib.discover_drain_async, None)

    async def _ask(self, function, *arguments):
        """The instance of the answer, once it is there."""
        future = asyncio.get_running_loop().create_future()
        with self._lock:
            number, self._next_call = self._next_call, self._next_call + 1
            self._calls[number] = future
            result = function(self._d, *arguments, self._on_answer, number, None)
            if result < 0:
                del self._calls[number]
                self._check(result)
        return await future

    def _answered(self, arg, answer):
        future = self._calls.pop(arg)
        result, text = answer.contents.result, answer.contents.error.decode()
        if future.done():  # nobody waits any more
            return
        if result < 0:
            future.set_exception(_error(result, text))
        else:
            future.set_result(answer.contents.instance.decode())


class Watch:
    """Of one service; ended by close."""

    def __init__(self, d, service, fn):
        self._d, self._fn, self._w = d, fn, c_void_p()
        self._key = id(self)
        with d._lock:
            d._watches[self._key] = self
            result = _lib.discover_watch(d._d, _bytes(service), d._on_change, self._key, byref(self._w))
            if result < 0:
                del d._watches[self._key]
                d._check(result)

    def close(self):
        with self._d._lock:
            if self._d._watches.pop(self._key, None):
                _lib.discover_unwatch(self._w)

    def _tell(self, change):
        by_kind = {1: [], 2: [], 3: []}
        for i in range(change.n_differences):
            what, endpoint = _DIFFERENCE.unpack_from(ctypes.string_at(change.differences + i * _STEP, _DIFFERENCE.size))
            by_kind[what].append(_endpoint(endpoint))
        endpoints = Endpoints(_endpoints_at(change.endpoints, change.n), change.result)
        trace = [(text or b"").decode() for text in (change.traceparent, change.tracestate)]
        self._fn(Change(change.service.decode(), change.result, endpoints, by_kind[1], by_kind[2], by_kind[3], *trace))


class Picker:
    """Chooses an instance for each call, and learns from how the calls went. Each pick is followed by one report."""

    def __init__(self, d, query):
        self._d, self._p = d, c_void_p()
        with d._lock:
            d._check(_lib.discover_picker_new_query(d._d, query, byref(self._p)))
            d._pickers.add(self)

    def close(self):
        with self._d._lock:
            p, self._p = self._p, None
            if p:
                _lib.discover_picker_free(p)

    def share(self):
        """Shares ejections with the other processes of this host."""
        with self._d._lock:
            self._d._check(_lib.discover_picker_share(self._p))

    def pick(self, key=None, tried=()):
        """key (bytes): the same instance for the same key. tried: endpoints that were called for this already."""
        memory = ctypes.create_string_buffer(_STRIDE)
        if key is not None:
            _check(_lib.discover_pick_key(self._p, key, len(key), memory))
        elif tried:
            ids = (c_uint64 * len(tried))(*(e.id for e in tried))
            _check(_lib.discover_pick_retry(self._p, ids, len(tried), memory))
        else:
            _check(_lib.discover_pick(self._p, memory))
        return _endpoint(memory)

    def report(self, endpoint, latency, outcome=Outcome.OK):
        """latency: in seconds."""
        _lib.discover_report(self._p, endpoint.id, min(int(latency * 1e6), 0xFFFFFFFF), outcome)

    @contextlib.contextmanager
    def call(self, key=None, tried=()):
        """Picks for one call, and reports what came of it: an exception is a failure."""
        endpoint, begun, outcome = self.pick(key, tried), time.monotonic(), Outcome.OK
        try:
            yield endpoint
        except ConnectionError:
            outcome = Outcome.UNREACHABLE
            raise
        except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
            outcome = Outcome.CANCELLED
            raise
        except BaseException:
            outcome = Outcome.FAILED
            raise
        finally:
            self.report(endpoint, time.monotonic() - begun, outcome)


class Registration:
    """An instance of a service, for as long as this process and its Discover live, or until it is closed."""

    def __init__(self, d, service, port, instance=None, addresses=(), protocol=Protocol.TCP, weight=1, priority=0,
                 state=State.PASSING, tags=(), meta=None, exported=True):
        self._d, self._r, self.service, self.instance = d, c_void_p(), service, instance or ""
        _check(_lib.discover_registration_new(_bytes(service), port, byref(self._r)), service)
        settings = [("set_instance", instance)] if instance is not None else []
        settings += [("add_address", address) for address in addresses] + [("add_tag", tag) for tag in tags]
        settings += [("set_protocol", protocol), ("set_weight", weight), ("set_priority", priority), ("set_state", state),
                     ("set_exported", int(exported))]
        settings += [("set_meta", key, value) for key, value in (meta or {}).items()]
        for name, *values in settings:
            values = [_bytes(v) if isinstance(v, str) else v for v in values]
            _check(getattr(_lib, f"discover_registration_{name}")(self._r, *values), f"{name} {values}")

    def __del__(self):
        if self._r:
            _lib.discover_registration_free(self._r)

    def drain(self):
        """No new calls come; those under way are finished, then close."""
        with self._d._lock:
            self._d._check(_lib.discover_drain(self._d._d, self._r))

    async def drain_async(self):
        await self._d._ask(_lib.discover_drain_async, self._r)

    def close(self):
        with self._d._lock:
            self._d._check(_lib.discover_deregister(self._d._d, _bytes(self.service), _bytes(self.instance)))

    async def close_async(self):
        await self._d._ask(_lib.discover_deregister_async, _bytes(self.service), _bytes(self.instance))
