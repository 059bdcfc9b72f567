// Run with `node --expose-gc -C source packages/proxy/src/held-answer.bench.ts`.
import { ResponseHead } from "@weft/contract";
import { systemClock, TimerWheel } from "@weft/kernel";
import { bench, do_not_optimize, run } from "mitata";
import { AnswerHolds } from "./held-answer.ts";

const holds = new AnswerHolds(new TimerWheel(systemClock));
const head = new ResponseHead(200, ["content-type", "application/grpc"], -1);
const owner = { onHoldOver: () => {} };
const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 32]), Buffer.alloc(32)]);

bench("an answer of one small message, held and passed on", () => {
  const held = holds.hold(owner, head, "/shop.Cart/Add", systemClock.nowMs());
  do_not_optimize(held?.keep(message, 0, message.length));
  held?.end();
});

await run();
