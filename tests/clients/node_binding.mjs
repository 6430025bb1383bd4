// SPDX-License-Identifier: Apache-2.0
// Does with examples/bindings/node/discover.mjs what its users do. Exits 1 when a thing does not go as it must.
// Usage: node node_binding.mjs SOCKET HEADERS PORT; web/front is at 127.0.0.1:PORT, where nobody listens yet, and has the
// tag "canary"; shop/pair are two.
import assert from "node:assert";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import * as discover from "./discover.mjs";

const [socket, headers, port] = process.argv.slice(2);
const { Discover, DiscoverError } = discover;

function constants() {
    const text = ["discover.h", "types.h"].map((name) => fs.readFileSync(`${headers}/${name}`, "utf8")).join("");
    const there = Object.fromEntries([...text.matchAll(/DISCOVER_(\w+) = (-?\d+)/g)].map((m) => [m[1], Number(m[2])]));
    for (const [name, value] of Object.entries(discover))
        if (typeof value === "number") assert.strictEqual(value, there[name], name);
}

const get = (url, agent) => new Promise((done, fail) => {
    http.get(url, { agent }, (response) => {
        let body = "";
        response.on("data", (data) => (body += data)).on("end", () => done(body));
    }).on("error", fail);
});

constants();
const d = new Discover({ socket, name: "node" });
assert(d.connected);
const code = (number) => (error) => error instanceof DiscoverError && error.code === number;
assert.throws(() => d.resolve("shop/none"), code(discover.E_UNKNOWN));
assert.throws(() => d.resolve("not a name"), code(-4005));
await assert.rejects(d.wait("shop/none", 50), code(discover.E_UNKNOWN));
const [front] = await d.wait("web/front", 5000);
assert.deepStrictEqual([front.host, front.port, front.state, front.weight], ["127.0.0.1", Number(port), 1, 1]);
assert.strictEqual(d.resolve("web/front", { tags: ["canary"] }).length, 1);
assert.throws(() => d.resolve("web/front", { place: "nowhere" }), code(discover.E_NONE));

const server = http.createServer((request, response) => response.end(`${request.headers.host} ${request.url}`));
await new Promise((done) => server.listen(Number(port), "127.0.0.1", done));
const named = `http://front.web.discover.internal:${port}/a`;
assert.strictEqual(await get(named, new http.Agent({ lookup: d.lookup() })), `front.web.discover.internal:${port} /a`);
assert.match(await get(`http://localhost:${port}/b`, new http.Agent({ lookup: d.lookup() })), /b$/);
await assert.rejects(get("http://none.web.discover.internal/", new http.Agent({ lookup: d.lookup() })), { code: "ENOTFOUND" });
const balanced = new http.Agent({ keepAlive: true });
balanced.createConnection = d.connect("web/front");
assert.match(await get("http://anything/c", balanced), /anything \/c$/);
balanced.destroy();
server.close();

const picker = d.picker("shop/pair");
const seen = new Set();
for (let i = 0; i < 50; i++) await picker.call(({ host }) => seen.add(host));
assert.strictEqual(seen.size, 2);
assert.strictEqual(picker.pick("a key").id, picker.pick("a key").id);
await assert.rejects(picker.call(() => Promise.reject(Object.assign(new Error("no"), { code: "ECONNREFUSED" }))), /no/);
picker.close();

const changes = [];
const until = async (condition) => {
    for (const end = Date.now() + 5000; !condition(); await new Promise((done) => setTimeout(done, 5)))
        assert(Date.now() < end, "nothing comes");
};
const watch = d.watch("shop/pair", (change) => changes.push(change));
await until(() => changes.length === 1);
assert.strictEqual(changes[0].endpoints.length, 2);
assert.strictEqual(changes[0].added.length, 2);
const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
execFileSync(process.env.DISCOVERCTL, ["-s", socket, "maintenance", "on", "shop/pair", "two"],
             { env: { ...process.env, TRACEPARENT: parent, TRACESTATE: "vendor=1" } });
await until(() => changes.length > 1);
assert.deepStrictEqual(changes[1].removed.map((e) => e.host), ["127.0.0.2"]);
assert.deepStrictEqual(changes[1].endpoints.map((e) => e.host), ["127.0.0.1"]);
await until(() => changes.at(-1).traceparent);
assert.deepStrictEqual([changes[0].traceparent, changes.at(-1).traceparent, changes.at(-1).tracestate], ["", parent, "vendor=1"]);
watch.close();

const alone = new Discover({ socket: "/nonexistent", source: 1 });
assert.throws(() => alone.resolve("shop/pair"), code(discover.E_UNSYNCED));
alone.close();
d.close();
console.log("ok"); // and nothing keeps the process alive
