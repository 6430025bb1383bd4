// SPDX-License-Identifier: Apache-2.0
// What who is no host does with nats.js under examples/nats/registry.conf. Exits 1 when a thing does not go as it must.
// Usage: node natsjs.mjs SERVER KIND NAME PASSWORD
import { connect } from "nats";

const [server, kind, user, pass] = process.argv.slice(2);
const nc = await connect({ servers: server, user, pass, timeout: 5000 });
const js = nc.jetstream(kind === "operator" ? {} : { domain: "registry", checkAPI: false, timeout: 5000 });
const services = await js.views.kv("SERVICES", { bindOnly: true, allow_direct: true });

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
