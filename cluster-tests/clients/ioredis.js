// ioredis against Quorate: `ioredis.js plain|cluster PORT`. What it is to do stands in `run`.
"use strict";

const assert = require("node:assert");
const { Redis, Cluster } = require("ioredis");

const PIPELINE = 20;
const LAST_WRITES = 100;
// Tries for about ten seconds: a node is killed and started again meanwhile.
const RETRIES = 50;
const pause = (times) => Math.min(20 * times, 250);

function connect(mode, port) {
  const client =
    mode === "cluster"
      ? new Cluster([{ host: "127.0.0.1", port }], {
          clusterRetryStrategy: pause,
          retryDelayOnClusterDown: 200,
          maxRedirections: RETRIES,
        })
      : new Redis({ host: "127.0.0.1", port, retryStrategy: pause, maxRetriesPerRequest: RETRIES });
  // Without a listener each lost connection is printed; what it does to commands is seen in their answers.
  return client.on("error", () => {});
}

/** A little of everything that applications do. */
async function lookAround(client) {
  assert.strictEqual(await client.ping(), "PONG");
  assert.strictEqual(await client.set("{io}a", "1", "PX", 60000), "OK");
  assert.strictEqual(await client.get("{io}a"), "1");
  assert((await client.pttl("{io}a")) > 0);
  assert.strictEqual(await client.get("{io}none"), null);
  assert.strictEqual(await client.set("{io}a", "2", "NX"), null);
  assert.strictEqual(await client.mset("{io}x", "1", "{io}y", "2"), "OK");
  assert.deepStrictEqual(await client.mget("{io}x", "{io}y"), ["1", "2"]);
  const transaction = await client.multi().set("{io}a", "5").incrby("{io}a", 2).exec();
  assert.deepStrictEqual(transaction, [[null, "OK"], [null, 7]]);
  assert.strictEqual(await client.del("{io}a", "{io}x", "{io}y"), 3);
}

/** Sets keys, each once and to a value of its own. */
class Writer {
  constructor(client, mode) {
    Object.assign(this, { client, mode, number: 0, troubles: 0, acknowledged: new Map() });
  }

  new() {
    this.number += 1;
    return [`io-${this.mode}-${this.number}`, `value ${this.number}`];
  }

  async one() {
    const [key, value] = this.new();
    assert.strictEqual(await this.client.set(key, value), "OK");
    this.acknowledged.set(key, value);
  }

  /** One key by itself, then many at once, which go out in pipelines: by hand, or in a cluster by node. */
  async write() {
    await this.one();
    const entries = Array.from({ length: PIPELINE }, () => this.new());
    for (const [place, [error]] of (await this.together("set", entries)).entries()) {
      if (error) this.troubles += 1;
      else this.acknowledged.set(...entries[place]);
    }
  }

  /** Error and answer of each call. */
  async together(command, calls) {
    if (this.mode === "cluster") {
      const settled = await Promise.allSettled(calls.map((call) => this.client[command](...call)));
      return settled.map(({ reason, value }) => [reason, value]);
    }
    return this.client.pipeline(calls.map((call) => [command, ...call])).exec();
  }

  /** Acknowledged writes that are not there. */
  async lost() {
    const entries = [...this.acknowledged];
    const found = await this.together("get", entries.map(([key]) => [key]));
    return entries.filter(([, value], place) => found[place][1] !== value).map(([key]) => key);
  }
}

async function main(mode, port) {
  const client = connect(mode, Number(port));
  await lookAround(client);
  const writer = new Writer(client, mode);
  let stopped = false;
  process.stdin.on("end", () => (stopped = true)).resume();
  while (!stopped) {
    try {
      await writer.write();
      console.log("acknowledged", writer.acknowledged.size);
    } catch {
      writer.troubles += 1;
    }
  }
  for (let count = 0; count < LAST_WRITES; count++) await writer.one();
  const lost = await writer.lost();
  console.log(`${writer.acknowledged.size} acknowledged, ${writer.troubles} troubles, ${lost.length} lost`, lost.slice(0, 5));
  process.exit(lost.length ? 1 : 0);
}

main(...process.argv.slice(2));
