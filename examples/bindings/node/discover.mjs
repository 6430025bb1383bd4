// SPDX-License-Identifier: Apache-2.0
// Look services up, by way of libdiscover and the discoverd of this host. One file beside the package koffi; copy it.
//
//     const d = new Discover();
//     d.resolve("shop/payment");                          // [{ host, port, ... }]
//     const picker = d.picker("shop/payment");
//     await picker.call(async ({ host, port }) => ...);   // measured, and reported to the balancer
//     const watch = d.watch("shop/payment", (change) => ...);
//     new http.Agent({ lookup: d.lookup() });             // http://payment.shop.discover.internal:8080/
//     new http.Agent({ keepAlive: true }).createConnection = d.connect("shop/payment");   // the port, too
//
// Everything is called in the thread that made the Discover. A timer, which keeps no process alive, dispatches.
import dns from "node:dns";
import net from "node:net";
import os from "node:os";
import koffi from "koffi";

const library = koffi.load(process.env.LIBDISCOVER ?? "libdiscover.so.0");

export const FRESH = 0, STALE = 1, DEGRADED = 2;
export const E_NONE = -4001, E_UNKNOWN = -4002, E_UNSYNCED = -4003;
export const OK = 0, FAILED = 1, UNREACHABLE = 2, CANCELLED = 3;
const ADDED = 1, REMOVED = 2, CHANGED = 3;

koffi.struct("discover_change", {
    service: "const char *", result: "int", endpoints: "void *", n: "size_t", differences: "void *", n_differences: "size_t",
    traceparent: "const char *", tracestate: "const char *",
});
const WatchFn = koffi.proto("void discover_watch_fn(void *arg, const discover_change *change)");

const declare = (text) => library.func(text);
const lib = {
    strerror: declare("const char *discover_strerror(int code)"),
    sizeofEndpoint: declare("size_t discover_sizeof_endpoint()"),
    sizeofDifference: declare("size_t discover_sizeof_difference()"),
    new: declare("int discover_new(_Out_ void **d)"),
    free: declare("void discover_free(void *d)"),
    setSocket: declare("int discover_set_socket(void *d, const char *path)"),
    setSource: declare("int discover_set_source(void *d, int source)"),
    setDns: declare("int discover_set_dns(void *d, const char *servers, const char *zone)"),
    setName: declare("int discover_set_name(void *d, const char *name)"),
    start: declare("int discover_start(void *d)"),
    dispatch: declare("int discover_dispatch(void *d)"),
    connected: declare("int discover_connected(void *d)"),
    lastError: declare("const char *discover_last_error(void *d)"),
    queryNew: declare("int discover_query_new(const char *service, _Out_ void **q)"),
    queryFree: declare("void discover_query_free(void *q)"),
    queryAddTag: declare("int discover_query_add_tag(void *q, const char *tag)"),
    querySetPlace: declare("int discover_query_set_place(void *q, const char *place)"),
    queryRun: declare("int discover_query_run(void *d, void *q, void *after, _Out_ uint8_t *to, size_t cap, _Out_ size_t *n)"),
    pickerNew: declare("int discover_picker_new_query(void *d, void *q, _Out_ void **p)"),
    pickerFree: declare("void discover_picker_free(void *p)"),
    pick: declare("int discover_pick(void *p, _Out_ uint8_t *to)"),
    pickKey: declare("int discover_pick_key(void *p, void *key, size_t n, _Out_ uint8_t *to)"),
    report: declare("void discover_report(void *p, uint64_t id, uint32_t latency_us, int outcome)"),
    watch: declare("int discover_watch(void *d, const char *service, discover_watch_fn *fn, void *arg, _Out_ void **w)"),
    unwatch: declare("void discover_unwatch(void *w)"),
};

// A newer library may have larger structures, which begin like these.
const STRIDE = Number(lib.sizeofEndpoint()), STEP = Number(lib.sizeofDifference());
const LITTLE = os.endianness() === "LE";
const DISPATCH_MS = 20;

export class DiscoverError extends Error {
    constructor(code, text) {
        super(text ? `${lib.strerror(code)}: ${text}` : lib.strerror(code));
        this.code = code;
    }
}

function check(result, text) {
    if (result < 0) throw new DiscoverError(result, text);
    return result;
}

function ipv6Text(bytes) {
    const groups = [];
    for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16));
    return groups.join(":");
}

// What is at an offset: the layout is part of the library's ABI.
function endpointAt(memory, at) {
    const view = new DataView(memory.buffer, memory.byteOffset + at, STRIDE);
    const families = memory[at + 22];
    const ipv4 = families & 1 ? memory.subarray(at + 16, at + 20).join(".") : "";
    const ipv6 = families & 2 ? ipv6Text(memory.subarray(at, at + 16)) : "";
    return {
        host: ipv4 || ipv6, ipv4, ipv6,
        port: view.getUint16(20, LITTLE), state: memory[at + 23], weight: view.getUint32(24, LITTLE),
        priority: view.getUint16(28, LITTLE), protocol: memory[at + 30], tier: memory[at + 31],
        id: view.getBigUint64(32, LITTLE),
    };
}

function endpointsAt(pointer, n) {
    const memory = n ? Buffer.from(koffi.decode(pointer, koffi.array("uint8_t", n * STRIDE, "Typed"))) : Buffer.alloc(0);
    return Array.from({ length: n }, (_, i) => endpointAt(memory, i * STRIDE));
}

function differencesAt(pointer, n) {
    const memory = n ? Buffer.from(koffi.decode(pointer, koffi.array("uint8_t", n * STEP, "Typed"))) : Buffer.alloc(0);
    return Array.from({ length: n }, (_, i) => ({
        what: new DataView(memory.buffer, memory.byteOffset + i * STEP).getInt32(0, LITTLE),
        endpoint: endpointAt(memory, i * STEP + 8),
    }));
}

function withQuery(service, { tags = [], place } = {}, use) {
    const out = [null];
    check(lib.queryNew(service, out), service);
    try {
        for (const tag of tags) check(lib.queryAddTag(out[0], tag), tag);
        if (place !== undefined) check(lib.querySetPlace(out[0], place), place);
        return use(out[0]);
    } finally {
        lib.queryFree(out[0]);
    }
}

export class Discover {
    #d;
    #timer;
    #zone;
    #pickers = new Set();
    #watches = new Set();

    // socket, source (0: the daemon or DNS, 1: the daemon, 2: DNS), dns, zone, name: as discover_set_...
    constructor({ socket, source = 0, dns: servers, zone, name } = {}) {
        const out = [null];
        check(lib.new(out));
        this.#d = out[0];
        this.#zone = zone || process.env.DISCOVERD_ZONE || "discover.internal";
        try {
            if (socket !== undefined) this.#check(lib.setSocket(this.#d, socket));
            if (servers !== undefined || zone !== undefined) this.#check(lib.setDns(this.#d, servers ?? "", zone ?? null));
            if (name !== undefined) this.#check(lib.setName(this.#d, name));
            this.#check(lib.setSource(this.#d, source));
            this.#check(lib.start(this.#d));
        } catch (error) {
            this.close();
            throw error;
        }
        // There is no way to have node poll a descriptor of others. What goes wrong the handle works on by itself.
        this.#timer = setInterval(() => lib.dispatch(this.#d), DISPATCH_MS).unref();
    }

    #check(result) {
        return check(result, result < 0 ? lib.lastError(this.#d) : undefined);
    }

    close() {
        clearInterval(this.#timer);
        for (const part of [...this.#watches, ...this.#pickers]) part.close();
        if (this.#d) lib.free(this.#d);
        this.#d = null;
    }

    get connected() {
        return lib.connected(this.#d) > 0;
    }

    get lastError() {
        return lib.lastError(this.#d);
    }

    // The usable instances that meet the conditions (tags, place), by priority, then nearness. Throws DiscoverError.
    resolve(service, conditions) {
        return withQuery(service, conditions, (query) => this.#run(query, service));
    }

    #run(query, service) {
        const found = [], cap = 64, n = [0];
        for (let after = null; ; ) {
            const memory = Buffer.alloc(cap * STRIDE);
            check(lib.queryRun(this.#d, query, after, memory, cap, n), service);
            const got = Number(n[0]);
            for (let i = 0; i < Math.min(got, cap); i++) found.push(endpointAt(memory, i * STRIDE));
            if (got <= cap) return found;
            after = memory.subarray((cap - 1) * STRIDE);
        }
    }

    // Resolves once somebody can be called.
    async wait(service, timeoutMs) {
        for (const end = Date.now() + timeoutMs; ; ) {
            try {
                return this.resolve(service);
            } catch (error) {
                if (![E_NONE, E_UNKNOWN, E_UNSYNCED].includes(error.code) || Date.now() >= end) throw error;
            }
            await new Promise((done) => setTimeout(done, DISPATCH_MS));
        }
    }

    picker(service, conditions) {
        const out = [null];
        withQuery(service, conditions, (query) => this.#check(lib.pickerNew(this.#d, query, out)));
        const picker = new Picker(out[0], () => this.#pickers.delete(picker));
        this.#pickers.add(picker);
        return picker;
    }

    // Calls fn with all that is there, then whenever the set is another one:
    // { service, result, endpoints, added, removed, changed, traceparent, tracestate }, the last two those of the newest change
    // that had a trace context (W3C), or "". Ended by close() of what it returns.
    watch(service, fn) {
        const out = [null];
        const callback = koffi.register((arg, pointer) => {
            const change = koffi.decode(pointer, "discover_change");
            const differences = differencesAt(change.differences, Number(change.n_differences));
            const those = (what) => differences.filter((d) => d.what === what).map((d) => d.endpoint);
            fn({
                service: change.service, result: change.result,
                endpoints: endpointsAt(change.endpoints, Number(change.n)),
                added: those(ADDED), removed: those(REMOVED), changed: those(CHANGED),
                traceparent: change.traceparent ?? "", tracestate: change.tracestate ?? "",
            });
        }, koffi.pointer(WatchFn));
        const result = lib.watch(this.#d, service, callback, null, out);
        if (result < 0) koffi.unregister(callback);
        this.#check(result);
        const watch = {
            close: () => {
                if (!this.#watches.delete(watch)) return;
                lib.unwatch(out[0]);
                setImmediate(() => koffi.unregister(callback)); // not within itself
            },
        };
        this.#watches.add(watch);
        return watch;
    }

    // For http.Agent and net.connect, in the place of dns.lookup: names of the zone are looked up here, without a question to
    // anybody; all others by dns.lookup. The port is the URL's.
    lookup() {
        const end = `.${this.#zone}`;
        return (hostname, options, callback) => {
            if (!hostname.endsWith(end)) return dns.lookup(hostname, options, callback);
            const [service, domain] = hostname.slice(0, -end.length).split(".");
            let addresses;
            try {
                addresses = this.resolve(`${domain}/${service}`).flatMap(addressesOf(options.family));
            } catch (error) {
                return process.nextTick(callback, Object.assign(error, { hostname, code: "ENOTFOUND", errno: error.code }));
            }
            if (!addresses.length)
                return process.nextTick(callback, Object.assign(new Error(`${hostname}: no address`), { code: "ENOTFOUND" }));
            return options.all ? process.nextTick(callback, null, addresses)
                               : process.nextTick(callback, null, addresses[0].address, addresses[0].family);
        };
    }

    // For an Agent's createConnection: each new connection goes to whom the balancer picks, whatever the URL says. That
    // a connection comes about is what it learns from.
    connect(service, conditions) {
        const picker = this.picker(service, conditions);
        return (options) => {
            const endpoint = picker.pick(), begun = performance.now();
            const socket = net.connect({ ...options, lookup: undefined, path: undefined, ...endpoint });
            let open = true;
            const report = (outcome) => open && ((open = false), picker.report(endpoint, performance.now() - begun, outcome));
            return socket.once("connect", () => report(OK)).once("error", () => report(UNREACHABLE))
                .once("close", () => report(CANCELLED));
        };
    }
}

function addressesOf(family) {
    const wanted = { IPv4: 4, IPv6: 6 }[family] ?? family ?? 0;
    return ({ ipv4, ipv6 }) => [
        ...(ipv4 && wanted !== 6 ? [{ address: ipv4, family: 4 }] : []),
        ...(ipv6 && wanted !== 4 ? [{ address: ipv6, family: 6 }] : []),
    ];
}

// Chooses an instance for each call, and learns from how the calls went. Each pick is followed by one report.
class Picker {
    #p;
    #forget;

    constructor(p, forget) {
        this.#p = p;
        this.#forget = forget;
    }

    close() {
        if (this.#p) lib.pickerFree(this.#p);
        this.#p = null;
        this.#forget();
    }

    // key (a string or a Buffer): the same instance for the same key.
    pick(key) {
        const memory = Buffer.alloc(STRIDE), bytes = key === undefined ? null : Buffer.from(key);
        check(bytes ? lib.pickKey(this.#p, bytes, bytes.length, memory) : lib.pick(this.#p, memory));
        return endpointAt(memory, 0);
    }

    report(endpoint, latencyMs, outcome = OK) {
        lib.report(this.#p, endpoint.id, Math.min(Math.round(latencyMs * 1000), 0xffffffff), outcome);
    }

    // Picks for one call, and reports what came of it: a rejection is a failure.
    async call(fn, key) {
        const endpoint = this.pick(key), begun = performance.now();
        let outcome = FAILED;
        try {
            const result = await fn(endpoint);
            outcome = OK;
            return result;
        } catch (error) {
            if (["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"].includes(error?.code)) outcome = UNREACHABLE;
            if (error?.name === "AbortError") outcome = CANCELLED;
            throw error;
        } finally {
            this.report(endpoint, performance.now() - begun, outcome);
        }
    }
}
