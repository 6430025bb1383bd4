// SPDX-License-Identifier: Apache-2.0
// Registers an instance where there is no discoverd: a value of JSON under a key of one's own, put again before it runs
// out. With an account of the kind "writer" (hosts.txt), npm install nats@2, and the password in the environment:
//
//   NATS_PASSWORD=batch-secret node register.mjs nats://127.0.0.1:4222 batch shop.report.batch.r1 10.0.1.22 8080
import { connect } from "nats";

const [server, user, key, host, port] = process.argv.slice(2);
const ttl = 15; // seconds that others keep it after the last put

const nc = await connect({ servers: server, user, pass: process.env.NATS_PASSWORD });
// The domain of registry.conf. The account may not ask for its limits: checkAPI would.
const js = nc.jetstream({ domain: "registry", checkAPI: false });
const services = await js.views.kv("SERVICES", { bindOnly: true, allow_direct: true });

async function beat() {
    await services.put(key, JSON.stringify({ host, port: Number(port), ttl }));
}

async function leave() {
    await services.delete(key);
    await nc.drain();
    process.exit(0);
}

process.on("SIGTERM", leave);
process.on("SIGINT", leave);
await beat();
console.log(`registered ${key}`);
setInterval(() => beat().catch((error) => console.error(`not registered anew: ${error.message}`)), (ttl * 1000) / 3);
