// Run with `node -C source packages/kernel/src/output-buffer.bench.ts`: time and heap per operation.
import { bench, do_not_optimize, run } from "mitata";
import { OutputBuffer } from "./output-buffer.ts";
import { releaseOutputSlab } from "./output-slabs.ts";

const output = new OutputBuffer({ onOutputPending: () => {} });
const head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n";
const small = Buffer.alloc(100, "a");
const large = Buffer.alloc(16_384, "a");

/** Gives back what was written, as a transport does once per turn. */
function turn(): void {
  const slab = output.takeSlab();
  if (slab !== null) releaseOutputSlab(slab);
  else for (const each of output.take()) releaseOutputSlab(each);
}

bench("reserve(9) and write in place, 100 times a turn", () => {
  for (let count = 0; count < 100; count++) {
    const at = output.reserve(9);
    output.bytes[at] = count;
    output.position = at + 9;
  }
  turn();
});
bench("writeLatin1() of a head, 100 times a turn", () => {
  for (let count = 0; count < 100; count++) output.writeLatin1(head);
  turn();
});
bench("writeBytes() of 100 bytes, 100 times a turn", () => {
  for (let count = 0; count < 100; count++) output.writeBytes(small, 0, small.length);
  turn();
});
bench("writeBytes() of 16 KiB, 10 times a turn, over three slabs", () => {
  for (let count = 0; count < 10; count++) output.writeBytes(large, 0, large.length);
  do_not_optimize(output.pendingBytes);
  turn();
});

await run();
