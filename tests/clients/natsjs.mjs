// SPDX-License-Identifier: Apache-2.0
// What who is no host does with nats.js under examples/nats/registry.conf. Exits 1 when a thing does not go as it must.
// Usage: node natsjs.mjs SERVER KIND NAME PASSWORD [NAMES]
import { connect } from "nats";

const [server, kind, user, pass] = process.argv.slice(2);
const nc = await connect({ servers: server, user, pass, timeout: 5000 });
const js = nc.jetstream(kind === "operator" || kind === "tools" ? {} : { domain: "registry", checkAPI: false, timeout: 5000 });
const services = kind === "tools" ? null : await js.views.kv("SERVICES", { bindOnly: true, allow_direct: true });

async function refused(what, promise) {
    const error = await promise.then(() => undefined, (e) => e);
    if (!error) throw new Error(`${what} is not refused`);
    console.log(`refused: ${what}: ${error.message}`);
}

async function reads(key, expected) {
    const entry = await services.get(key);
    if (!entry || !entry.string().includes(expected)) throw new Error(`${key} is ${entry?.string()}`);
    console.log(`read ${key}`);
}

const kinds = {
    async writer() {
        await services.put("shop.report.batch.r1", JSON.stringify({ host: "10.0.1.22", port: 8080, ttl: 60 }));
        await reads("shop.report.batch.r1", "10.0.1.22");
        await refused("another's key", services.put("shop.report.web-1.r1", "{}"));
        await refused("another's deletion", services.delete("shop.report.web-1.r1"));
        await refused("a consumer", services.watch());
    },
    async reader() {
        const feed = nc.subscribe("discover.local.>", { max: 1 });
        await reads("shop.report.batch.r1", "10.0.1.22");
        for await (const m of feed) console.log(`heard ${m.subject}`); // a lease, within its third
        await refused("a write", services.put("shop.report.grafana.r1", "{}"));
    },
    // As nats.js finds micro services: NAMES is what they are called, "web-1,web-2"; "" where each has to be asked for.
    async tools() {
        const services = nc.services.client({ strategy: "timer", maxWait: 500 });
        const all = async (found) => { const list = []; for await (const s of await found) list.push(s); return list; };
        const [one] = await all(services.info("discoverd", "web-1"));
        if (one?.id !== "web-1" || one.endpoints.length < 7) throw new Error(`info: ${JSON.stringify(one)}`);
        const subject = one.endpoints.find((e) => e.name === "host-resolve").subject;
        const answer = await nc.request(subject, JSON.stringify({ service: "shop/none" }));
        if (answer.headers?.get("Nats-Service-Error-Code") !== "404") throw new Error("no error in the headers");
        const [stats] = await all(services.stats("discoverd", "web-1"));
        const counted = stats.endpoints.find((e) => e.name === "host-resolve");
        if (counted.num_requests < 1 || counted.num_errors < 1) throw new Error(JSON.stringify(counted));
        const names = process.argv[6];
        const found = names ? (await all(services.ping("discoverd"))).map((s) => s.id).sort().join() : "";
        if (found !== names) throw new Error(`ping: ${found}`);
        console.log(`asked ${one.name} ${one.id} ${one.version}`);
    },
    async operator() {
        await reads("shop.report.batch.r1", "10.0.1.22");
        let n = 0;
        for await (const key of await services.keys()) n += key.length > 0;
        if (n < 1) throw new Error("no keys");
        await services.delete("shop.report.batch.r1");
        console.log(`deleted one of ${n}`);
    },
};

await kinds[kind]();
await nc.close();
