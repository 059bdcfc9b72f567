// Run with `node -C source packages/kernel/src/hash.bench.ts`: time and heap per operation.
import { createHash } from "node:crypto";
import { bench, do_not_optimize, run } from "mitata";
import { hashBytes, hashString } from "./hash.ts";
import { createRandom, systemRandom } from "./random.ts";

const texts = Array.from({ length: 64 }, (_, i) => `10.0.${i}.17:20880`);
const bytes = texts.map((text) => Buffer.from(text));
const random = createRandom(1);
let next = 0;

bench("hashString(), 15 characters", () => do_not_optimize(hashString(texts[next++ & 63] ?? "")));
bench("hashBytes(), 15 bytes", () => do_not_optimize(hashBytes(bytes[next++ & 63] ?? Buffer.alloc(0))));
bench("node:crypto md5, 15 characters", () =>
  do_not_optimize(
    createHash("md5")
      .update(texts[next++ & 63] ?? "")
      .digest(),
  ));
bench("createRandom().below(100)", () => do_not_optimize(random.below(100)));
bench("systemRandom.below(100)", () => do_not_optimize(systemRandom.below(100)));

await run();
